//! Random types and values, laid out in memory as C would, against a naive model: `%v` and `%+v`, equality and hash, the pointer
//! bitmap, fields read and set by name.
//!
//! The model is a tree; it prints and compares itself without descriptors. What it prints is held to recorded output of Go by
//! `c-examples/lang/format.c`.
#![cfg(not(loom))]

mod model;

use core::ffi::c_void;
use gort_types::format::{Direct, Verb, write_value};
use gort_types::sink::Sink;
use gort_types::{
    Any, BOOL, Cache, FLOAT32, FLOAT64, Field, INT16, INT64, Kind, NIL, Place, STRING, SliceWords, Type,
    UINT8, equal, reflect,
};
use model::{Model, Pool, Random, Shape, comparable, has_empty, model, pointers, same, shape, text};
use std::ffi::CString;

fn leak<T>(value: T) -> &'static T {
    Box::leak(Box::new(value))
}

fn name(text: &str) -> *const core::ffi::c_char {
    CString::new(text).unwrap().into_raw()
}

/// The descriptor of a shape, laid out as C lays out structs.
fn describe(shape: &Shape) -> &'static Type {
    match shape {
        Shape::Bool => &BOOL,
        Shape::Int16 => &INT16,
        Shape::Int64 => &INT64,
        Shape::Uint8 => &UINT8,
        Shape::Float32 => &FLOAT32,
        Shape::Float64 => &FLOAT64,
        Shape::Str => &STRING,
        Shape::Pointer => INT64.pointer_to().unwrap(),
        Shape::Empty => leak(Type {
            name: name("main.Any"),
            size: 16,
            align: 8,
            kind: Kind::Interface,
            cache: leak(Cache::new()),
            ..Type::EMPTY
        }),
        Shape::Array(elem, n) => describe(elem).array_of(*n).unwrap(),
        Shape::Slice(elem) => describe(elem).slice_of().unwrap(),
        Shape::Struct(members) => {
            let (mut fields, mut end, mut align) = (Vec::new(), 0usize, 1);
            for (of, shape) in members {
                let ty = describe(shape);
                let offset = end.next_multiple_of(ty.align());
                (end, align) = (offset + ty.size(), align.max(ty.align()));
                fields.push(Field { name: name(of), ty, offset });
            }
            let fields = &*fields.leak();
            leak(Type {
                name: name("main.S"),
                size: end.next_multiple_of(align),
                align: align as u32,
                kind: Kind::Struct,
                fields: fields.as_ptr(),
                num_field: fields.len(),
                cache: leak(Cache::new()),
                ..Type::EMPTY
            })
        }
    }
}

/// Room for a value of a type, for ever.
fn room(ty: &Type) -> *mut c_void {
    vec![0u64; ty.size().div_ceil(8) + 1].leak().as_mut_ptr().cast()
}

/// Writes a model to memory.
fn lay_out(model: &Model, ty: &'static Type, at: *mut c_void, pool: &Pool) {
    // SAFETY: `at` has room for a value of the type, and so have its parts.
    unsafe {
        match model {
            Model::Bool(b) => at.cast::<bool>().write(*b),
            Model::Int(i) => match ty.size() {
                1 => at.cast::<u8>().write(*i as u8),
                2 => at.cast::<i16>().write(*i as i16),
                _ => at.cast::<i64>().write(*i),
            },
            Model::Float(f, true) => at.cast::<f32>().write(*f as f32),
            Model::Float(f, false) => at.cast::<f64>().write(*f),
            Model::Str(s) => at.cast::<*const core::ffi::c_char>().write(name(s)),
            Model::Pointer(p) => at.cast::<usize>().write(*p),
            Model::Any(None) => at.cast::<Any>().write(NIL),
            Model::Any(Some(held)) => {
                let ty = pool.0[held.1].1;
                at.cast::<Any>().write(any(&held.0, ty, pool));
            }
            Model::Struct(fields) => {
                for ((_, model), field) in fields.iter().zip(ty.fields()) {
                    lay_out(model, field.ty(), at.byte_add(field.offset), pool);
                }
            }
            Model::List(items, is_array) => {
                let elem = ty.elem().unwrap();
                let start = if *is_array {
                    at
                } else {
                    vec![0u64; items.len() * elem.size() / 8 + 2].leak().as_mut_ptr().cast()
                };
                for (i, item) in items.iter().enumerate() {
                    lay_out(item, elem, start.byte_add(i * elem.size()), pool);
                }
                if !is_array {
                    at.cast::<SliceWords>().write(SliceWords {
                        ptr: start,
                        len: items.len(),
                        cap: items.len(),
                    });
                }
            }
        }
    }
}

fn any(model: &Model, ty: &'static Type, pool: &Pool) -> Any {
    let at = room(ty);
    lay_out(model, ty, at, pool);
    // SAFETY: laid out above, for ever.
    unsafe { Any::load(ty, at) }
}

struct Bytes(Vec<u8>);

impl Sink for Bytes {
    fn put(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }
}

/// Scalars in interfaces are not met here.
struct Nowhere;

impl Place for Nowhere {
    fn place(&self, _: Any) -> Option<core::ptr::NonNull<c_void>> {
        None
    }
}

fn printed(value: Any, verb: Verb) -> String {
    let mut out = Bytes(Vec::new());
    // SAFETY: laid out for ever; the types have no methods.
    unsafe { write_value(&mut out, value, verb, &Direct) };
    String::from_utf8(out.0).unwrap()
}

/// A pointer at the top prints as it does below: the model has none to structs.
fn check_texts(model: &Model, value: Any) {
    assert_eq!(printed(value, Verb::Plain), text(model, false));
    assert_eq!(printed(value, Verb::Plus), text(model, true));
}

fn check_equality(shape: &Shape, a: (&Model, Any), b: (&Model, Any), pool: &Pool) {
    let want = match (a.1.ty, b.1.ty) {
        (Some(x), Some(y)) if x.same(y) && !matches!(shape, Shape::Empty) && !comparable(shape) => None,
        _ => same(a.0, b.0, pool),
    };
    // SAFETY: laid out for ever.
    let got = unsafe { equal::equal(a.1, b.1) };
    assert_eq!(got.as_ref().ok().copied(), want, "{a:?} {b:?} {got:?}");
    if want == Some(true) {
        // SAFETY: as above.
        unsafe { assert_eq!(equal::hash(a.1, 3).unwrap(), equal::hash(b.1, 3).unwrap()) };
    }
}

fn check_bitmap(shape: &Shape, ty: &'static Type) {
    let mut want = vec![false; ty.size().div_ceil(8) + 2];
    pointers(shape, ty, 0, &mut want);
    let map = ty.pointer_bitmap().unwrap();
    let got = |i: usize| map.get(i / 64).is_some_and(|bits| bits >> (i % 64) & 1 == 1);
    assert!((0..want.len()).all(|i| got(i) == want[i]), "{shape:?}: {map:x?}");
    assert_eq!(map.is_empty(), !want.contains(&true));
}

/// Sets every field of `to` from `from`, and finds the same value there.
fn check_fields(model: &Model, ty: &'static Type, from: Any) {
    let Model::Struct(fields) = model else { return };
    let to = room(ty);
    for (name, _) in fields {
        // SAFETY: two values of the struct type.
        unsafe {
            let value = reflect::get(ty, from.ptr(), name.as_bytes());
            reflect::set(ty, to, name.as_bytes(), value, &Nowhere).unwrap();
            assert!(reflect::set(ty, to, b"nothing", value, &Nowhere).is_err());
        }
    }
    assert_eq!(printed(Any::pointing(ty, to), Verb::Plain), text(model, false));
}

#[test]
fn random_values_read_compare_and_lie_as_the_model_says() {
    let mut random = Random(0x5eed);
    let pool = Pool(
        (0..6)
            .map(|_| {
                let shape = std::iter::repeat_with(|| shape(&mut random, 1)).find(|s| !has_empty(s)).unwrap();
                let ty = describe(&shape);
                (shape, ty)
            })
            .collect(),
    );
    let (mut equals, mut panics) = (0, 0);
    for _ in 0..1500 {
        let shape = shape(&mut random, 3);
        let ty = describe(&shape);
        let (a, b) = (model(&mut random, &shape, &pool), model(&mut random, &shape, &pool));
        let (x, y) = (any(&a, ty, &pool), any(&b, ty, &pool));
        check_texts(&a, x);
        check_equality(&shape, (&a, x), (&b, y), &pool);
        check_equality(&shape, (&a, x), (&a, any(&a, ty, &pool)), &pool);
        check_bitmap(&shape, ty);
        check_fields(&a, ty, x);
        equals += usize::from(same(&a, &b, &pool) == Some(true));
        panics += usize::from(same(&a, &b, &pool).is_none() || !comparable(&shape));
    }
    assert!(equals > 100 && panics > 100, "{equals} equal, {panics} panic: the cases are too much alike");
}
