//! IF-1 to IF-5 and PA-9 in Rust: the same rules as the C programs `c-examples/lang/if*.c` show, on the crate alone.
#![cfg(not(loom))]

use core::ffi::c_void;
use gort_types::error::{Assertion, HeldIn};
use gort_types::panic_text::write_panic;
use gort_types::{
    Any, Cache, Described, FLOAT64, INT64, Iface, Kind, NIL, NIL_IFACE, STRING, Type, TypeError, Value,
    describe, iface,
};

#[repr(C)]
#[derive(Clone, Copy)]
struct Point {
    x: i32,
    y: i32,
}
extern "C" fn area(p: &Point) -> i64 {
    i64::from(p.x) * i64::from(p.y)
}
extern "C" fn zoom(p: &Point) -> i64 {
    i64::from(p.x) * 1000
}
describe! {
    Point as c"main.Point" { x: i32, y: i32 } unsafe methods { c"Zoom" => zoom, c"Area" => area }
}

#[repr(transparent)]
#[derive(Clone, Copy)]
#[allow(dead_code, reason = "read through its descriptor")]
struct Celsius(f64);
extern "C" fn celsius(_: &Celsius) -> *const core::ffi::c_char {
    c"warm".as_ptr()
}
describe! {
    Celsius as c"main.Celsius" over f64; unsafe methods { c"String" => celsius }
}

/// An interface that demands some methods.
fn interface(name: &'static core::ffi::CStr, wants: &[&'static core::ffi::CStr]) -> &'static Type {
    let wants: Vec<_> = wants.iter().map(|want| want.as_ptr()).collect();
    Box::leak(Box::new(Type {
        name: name.as_ptr(),
        size: 16,
        align: 8,
        kind: Kind::Interface,
        num_method: wants.len(),
        wants: wants.leak().as_ptr(),
        cache: Box::leak(Box::new(Cache::new())),
        ..Type::EMPTY
    }))
}

fn code<R>(i: &Iface, index: usize) -> extern "C" fn(*const c_void) -> R {
    let code = i.tab.unwrap().method(index).unwrap();
    // SAFETY: the caller says what the method returns.
    unsafe { core::mem::transmute(code) }
}

#[test]
fn if_1_a_nil_pointer_has_a_type() {
    let pointer = Point::TYPE.pointer_to().unwrap();
    let nil_pointer = Any::new(pointer, 0);
    assert!(NIL.is_nil() && !nil_pointer.is_nil());
    assert!(NIL_IFACE.tab.is_none());
    // SAFETY: nothing is pointed to.
    unsafe {
        assert!(!gort_types::equal::equal(NIL, nil_pointer).unwrap());
        assert!(NIL_IFACE.value().is_nil());
    }
}

#[test]
fn if_2_messages_of_failed_assertions() {
    let shape = interface(c"main.Shape", &[c"Zoom", c"Perimeter", c"Area"]);
    let (point, celsius) = (Point { x: 1, y: 2 }, Celsius(3.0));
    let (value, warm) = (Value::of(&point), Value::of(&celsius));
    let rows: [(Any, &'static Type, &str); 6] = [
        (value.any(), &INT64, "interface conversion: interface {} is main.Point, not int64"),
        (NIL, &STRING, "interface conversion: interface {} is nil, not string"),
        (NIL, shape, "interface conversion: interface is nil, not main.Shape"),
        (value.any(), shape, "interface conversion: main.Point is not main.Shape: missing method Perimeter"),
        (warm.any(), shape, "interface conversion: main.Celsius is not main.Shape: missing method Area"),
        (warm.any(), &FLOAT64, "interface conversion: interface {} is main.Celsius, not float64"),
    ];
    for (any, ty, want) in rows {
        assert_eq!(iface::assert(any, ty).unwrap_err().to_string(), want);
    }
    let twin = |name: &'static core::ffi::CStr| -> &'static Type {
        Box::leak(Box::new(Type {
            name: name.as_ptr(),
            kind: Kind::Int8,
            size: 1,
            cache: Box::leak(Box::new(Cache::new())),
            ..Type::EMPTY
        }))
    };
    for (a, b, note) in [
        (c"main.T", c"main.T", " (types from different scopes)"),
        (c"a/x.T", c"b/x.T", " (types from different packages)"),
        (c"a/x.T", c"b/x.U", ""),
    ] {
        let failed =
            Assertion { held_in: HeldIn::Empty, concrete: Some(twin(a)), asserted: twin(b), missing: None };
        assert!(TypeError::Assertion(failed).to_string().ends_with(note));
        assert_eq!(failed.to_string().contains("(types"), !note.is_empty());
    }
}

#[test]
fn if_3_switches_take_the_first_case_that_matches() {
    let area = interface(c"main.Areaer", &[c"Area"]);
    let empty = interface(c"main.Any", &[]);
    let point = Point { x: 1, y: 2 };
    let value = Value::of(&point).any();
    for (any, cases, want) in [
        (value, vec![None, Some(&INT64), Some(area), Some(Point::TYPE)], Some(2)),
        (value, vec![Some(Point::TYPE), Some(area)], Some(0)),
        (value, vec![Some(&INT64), Some(empty)], Some(1)),
        (NIL, vec![Some(empty), Some(area), None], Some(2)),
        (NIL, vec![Some(empty)], None),
        (value, vec![], None),
    ] {
        assert_eq!(iface::type_switch(any, &cases), want);
    }
    assert_eq!(Value::of(&5i64).get::<i64>().unwrap(), 5);
    assert!(Value::of(&5i64).get::<i32>().is_err());
}

#[test]
fn if_4_uncomparable_types_are_an_error_only_when_both_have_them() {
    let slice = INT64.slice_of().unwrap();
    let (a, b) = (Any::new(slice, 8), Any::new(slice, 8));
    // SAFETY: slices are not looked into.
    unsafe {
        let error = gort_types::equal::equal(a, b).unwrap_err().to_string();
        assert_eq!(error, "runtime error: comparing uncomparable type []int64");
        assert!(!gort_types::equal::equal(a, Any::new(&INT64, 8)).unwrap());
        assert!(!gort_types::equal::equal(a, NIL).unwrap());
        let error = gort_types::equal::hash(a, 0).unwrap_err().to_string();
        assert_eq!(error, "runtime error: hash of unhashable type []int64");
    }
    let (one, two) = ([Point { x: 1, y: 2 }; 3], [Point { x: 1, y: 2 }; 3]);
    let (one, two) = (Value::of(&one), Value::of(&two));
    assert!(one.equals(&two).unwrap());
    assert_eq!(one.hash(7).unwrap(), two.hash(7).unwrap());
}

#[test]
fn if_5_the_itab_of_a_nil_pointer_is_another_one() {
    let area = interface(c"main.Areaer", &[c"Area"]);
    let pointer = Point::TYPE.pointer_to().unwrap();
    let point = Point { x: 3, y: 4 };
    let made = Iface::new(area, Any::pointing(pointer, (&raw const point).cast()), &Value::nil()).unwrap();
    assert_eq!(code::<i64>(&made, 0)(made.data), 12);
    let nil = Iface::new(area, Any::new(pointer, 0), &Value::nil()).unwrap();
    assert!(!core::ptr::fn_addr_eq(
        nil.tab.unwrap().method(0).unwrap(),
        made.tab.unwrap().method(0).unwrap()
    ));
    // SAFETY: made above.
    assert!(core::ptr::eq(unsafe { nil.value() }.ty.unwrap(), pointer));
    let error = TypeError::NilReceiver { ty: Point::TYPE, method: b"Area" };
    assert_eq!(error.to_string(), "value method main.Point.Area called using nil *Point pointer");
}

/// 200 methods, more than the bank of functions has: the last ones share one.
#[test]
fn if_5_a_bank_that_is_used_up_still_answers() {
    let bank = gort_types::nil_method::Bank::new();
    let methods = Point::TYPE.methods();
    let types: Vec<&'static Type> = (0..100).map(|_| &*Box::leak(Box::new(Type { ..Type::EMPTY }))).collect();
    let claims: Vec<_> = types.iter().flat_map(|ty| methods.iter().map(|m| bank.claim(ty, m))).collect();
    let taken: Vec<_> = claims.iter().flatten().collect();
    assert_eq!(taken.len(), gort_types::nil_method::BANK);
    assert!(taken.windows(2).all(|pair| pair[0] < pair[1]));
    assert_eq!(bank.claim(types[0], methods[1]), claims[1]);
    assert!(matches!(bank.error(gort_types::nil_method::BANK), TypeError::NilDereference));
}

#[test]
fn scalars_behind_interfaces_keep_their_place() {
    let stringer = interface(c"main.Stringer", &[c"String"]);
    let warm = Celsius(31.0);
    let value = Value::of(&warm);
    let made = value.behind(stringer).unwrap();
    assert_eq!(made.data.cast_const(), (&raw const warm).cast());
    let said = code::<*const core::ffi::c_char>(&made, 0)(made.data);
    // SAFETY: what the method returned.
    assert_eq!(unsafe { core::ffi::CStr::from_ptr(said) }, c"warm");
    // SAFETY: made above.
    assert_eq!(unsafe { made.value() }.float(), 31.0);
}

#[test]
fn pa_9_panic_values_as_the_runtime_prints_them() {
    let point = Point { x: 1, y: 2 };
    let rows = [
        (NIL, "nil".to_string()),
        (Any::pointing(&STRING, c"a\nb".as_ptr().cast()), "a\n\tb".to_string()),
        (Any::new(&INT64, -5i64 as u64), "-5".to_string()),
        (Any::new(&FLOAT64, 1.5f64.to_bits()), "1.5".to_string()),
        (Any::new(Celsius::TYPE, 0.25f64.to_bits()), "main.Celsius(0.25)".to_string()),
        (Value::of(&point).any(), format!("(main.Point) {:#x}", (&raw const point).addr())),
    ];
    for (value, want) in rows {
        let mut got = String::new();
        // SAFETY: the strings above are constants.
        unsafe { write_panic(&mut got, value).unwrap() };
        assert_eq!(got, want);
    }
}
