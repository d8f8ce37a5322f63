//! The naive model of values: trees that print and compare themselves, without descriptors of their own.

use gort_types::Type;

/// A type, and what it looks like.
#[derive(Clone, Debug)]
pub(crate) enum Shape {
    Bool,
    Int16,
    Int64,
    Uint8,
    Float32,
    Float64,
    Str,
    Pointer,
    Empty,
    Struct(Vec<(String, Shape)>),
    Array(Box<Shape>, usize),
    Slice(Box<Shape>),
}

/// A value of a shape.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Model {
    Bool(bool),
    Int(i64),
    Float(f64, bool),
    Str(String),
    Pointer(usize),
    Any(Option<Box<(Model, usize)>>),
    Struct(Vec<(String, Model)>),
    List(Vec<Model>, bool),
}

pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % n
    }
}

pub(crate) fn shape(random: &mut Random, depth: u64) -> Shape {
    let kinds = if depth == 0 { 9 } else { 14 };
    match random.below(kinds) {
        0 => Shape::Bool,
        1 => Shape::Int16,
        2 => Shape::Int64,
        3 => Shape::Uint8,
        4 => Shape::Float32,
        5 => Shape::Float64,
        6 => Shape::Str,
        7 => Shape::Pointer,
        8 => Shape::Empty,
        9..=11 => {
            let fields = 0..random.below(5);
            Shape::Struct(
                fields
                    .map(|i| (format!("{}{i}", if i % 2 == 0 { 'F' } else { 'f' }), shape(random, depth - 1)))
                    .collect(),
            )
        }
        12 => Shape::Array(Box::new(shape(random, depth - 1)), random.below(4) as usize),
        _ => Shape::Slice(Box::new(shape(random, depth - 1))),
    }
}

/// Small ranges, so that equal values are found.
pub(crate) fn model(random: &mut Random, shape: &Shape, pool: &Pool) -> Model {
    const FLOATS: [f64; 8] = [0.0, -0.0, 0.5, 1e6, -2.25e-7, f64::INFINITY, f64::NAN, 100_000.0];
    match shape {
        Shape::Bool => Model::Bool(random.below(2) == 1),
        Shape::Int16 | Shape::Int64 => Model::Int(random.below(3) as i64 - 1),
        Shape::Uint8 => Model::Int(random.below(2) as i64 * 200),
        Shape::Float32 => Model::Float(f64::from(FLOATS[random.below(8) as usize] as f32), true),
        Shape::Float64 => Model::Float(FLOATS[random.below(8) as usize], false),
        Shape::Str => Model::Str(["", "a", "two words"][random.below(3) as usize].into()),
        Shape::Pointer => Model::Pointer(random.below(3) as usize * 16),
        Shape::Empty => {
            let i = random.below(pool.0.len() as u64 + 1) as usize;
            Model::Any(pool.0.get(i).map(|(shape, _)| Box::new((model(random, shape, &Pool(vec![])), i))))
        }
        Shape::Struct(fields) => Model::Struct(
            fields.iter().map(|(name, shape)| (name.clone(), model(random, shape, pool))).collect(),
        ),
        Shape::Array(elem, n) => Model::List((0..*n).map(|_| model(random, elem, pool)).collect(), true),
        Shape::Slice(elem) => {
            Model::List((0..random.below(3)).map(|_| model(random, elem, pool)).collect(), false)
        }
    }
}

/// Types that values in an empty interface have.
pub(crate) struct Pool(pub(crate) Vec<(Shape, &'static Type)>);

pub(crate) fn text(model: &Model, plus: bool) -> String {
    let all = |items: &[Model]| items.iter().map(|m| text(m, plus)).collect::<Vec<_>>().join(" ");
    match model {
        Model::Bool(b) => b.to_string(),
        Model::Int(i) => i.to_string(),
        Model::Float(f, single) => {
            let mut out = String::new();
            gort_types::float::write_float(&mut out, *f, *single).unwrap();
            out
        }
        Model::Str(s) => s.clone(),
        Model::Pointer(0) | Model::Any(None) => "<nil>".into(),
        Model::Pointer(p) => format!("{p:#x}"),
        Model::Any(Some(held)) => text(&held.0, plus),
        Model::List(items, _) => format!("[{}]", all(items)),
        Model::Struct(fields) => {
            let field = |(name, m): &(String, Model)| match plus {
                true => format!("{name}:{}", text(m, true)),
                false => text(m, false),
            };
            format!("{{{}}}", fields.iter().map(field).collect::<Vec<_>>().join(" "))
        }
    }
}

/// Whether a shape can be compared, whatever its interfaces hold.
pub(crate) fn comparable(shape: &Shape) -> bool {
    match shape {
        Shape::Slice(_) => false,
        Shape::Array(elem, _) => comparable(elem),
        Shape::Struct(fields) => fields.iter().all(|(_, shape)| comparable(shape)),
        _ => true,
    }
}

/// `a == b`; `None` where Go panics.
pub(crate) fn same(a: &Model, b: &Model, pool: &Pool) -> Option<bool> {
    match (a, b) {
        (Model::Any(Some(a)), Model::Any(Some(b))) => match (a.1 == b.1, comparable(&pool.0[a.1].0)) {
            (false, _) => Some(false),
            (true, false) => None,
            (true, true) => same(&a.0, &b.0, pool),
        },
        (Model::Struct(a), Model::Struct(b)) => {
            all_same(a.iter().map(|f| &f.1), b.iter().map(|f| &f.1), pool)
        }
        (Model::List(a, _), Model::List(b, _)) => all_same(a.iter(), b.iter(), pool),
        (a, b) => Some(a == b),
    }
}

pub(crate) fn all_same<'a>(
    a: impl Iterator<Item = &'a Model>,
    b: impl Iterator<Item = &'a Model>,
    pool: &Pool,
) -> Option<bool> {
    for (a, b) in a.zip(b) {
        if !same(a, b, pool)? {
            return Some(false);
        }
    }
    Some(true)
}

/// The words of a value that may hold pointers.
pub(crate) fn pointers(shape: &Shape, ty: &Type, at: usize, words: &mut [bool]) {
    match shape {
        Shape::Str | Shape::Pointer | Shape::Slice(_) => words[at / 8] = true,
        Shape::Empty => words[at / 8..at / 8 + 2].fill(true),
        Shape::Struct(members) => {
            for ((_, shape), field) in members.iter().zip(ty.fields()) {
                pointers(shape, field.ty(), at + field.offset, words);
            }
        }
        Shape::Array(elem, n) => {
            let ty = ty.elem().unwrap();
            (0..*n).for_each(|i| pointers(elem, ty, at + i * ty.size(), words));
        }
        _ => {}
    }
}

pub(crate) fn has_empty(shape: &Shape) -> bool {
    match shape {
        Shape::Empty => true,
        Shape::Array(elem, _) | Shape::Slice(elem) => has_empty(elem),
        Shape::Struct(fields) => fields.iter().any(|(_, shape)| has_empty(shape)),
        _ => false,
    }
}
