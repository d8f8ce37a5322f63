//! Random programs of frames, defers, panics, recovers and Goexits, against a naive interpreter of Go's rules.
//!
//! A program is a few functions, each a list of statements. The interpreter ([`model`]) knows nothing of chains, tokens or
//! jumps: a panic is an exception that each function's deferred calls see, one after the other. Both sides write down what
//! happens.

use crate::common::{Log, goexit, on_goroutine};
use gort_defer::Value;
use gort_defer::panic::Recovery;
use gort_defer::scope::{Outcome, call, catch, raise};

/// A statement.
#[derive(Clone, Copy, Debug)]
enum Do {
    /// Writes a number down.
    Say(u32),
    /// Calls a function.
    Call(usize),
    /// Defers a call of a function.
    Defer(usize),
    /// `recover()`; says what came of it.
    Recover,
    /// Panics with a number.
    Panic(u32),
    /// Ends the goroutine.
    Goexit,
}

/// Functions; a function calls and defers only later ones, so that every program ends.
type Program = Vec<Vec<Do>>;

/// Decisions, drawn from bytes; all nought when there are no more.
struct Random<'a>(&'a [u8]);

impl Random<'_> {
    fn below(&mut self, n: u64) -> u64 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        u64::from(*first) % n
    }
}

fn generate(random: &mut Random) -> Program {
    let functions = 2 + random.below(6) as usize;
    let statement = |random: &mut Random, f: usize| {
        let later = functions - f - 1;
        let callee = |random: &mut Random| f + 1 + random.below(later as u64) as usize;
        match random.below(12) {
            0 | 1 if later > 0 => Do::Call(callee(random)),
            2..=5 if later > 0 => Do::Defer(callee(random)),
            6 | 7 => Do::Recover,
            8 | 9 => Do::Panic(random.below(100) as u32),
            10 if random.below(4) == 0 => Do::Goexit,
            _ => Do::Say(random.below(100) as u32),
        }
    };
    (0..functions).map(|f| (0..1 + random.below(6)).map(|_| statement(random, f)).collect()).collect()
}

/// Go's rules, naively.
mod model {
    use super::{Do, Log, Program};

    /// What leaves a function that does not return.
    #[derive(Clone, Copy)]
    pub(crate) enum Leaves {
        /// A panic; `exits`: a Goexit waits behind it.
        Panic {
            value: u32,
            exits: bool,
        },
        Goexit,
    }

    /// The panic that a deferred call may recover, and whether it has.
    pub(crate) struct Token {
        value: Option<u32>,
        recovered: bool,
    }

    pub(crate) fn run(program: &Program, f: usize, token: &mut Token, log: &Log) -> Result<(), Leaves> {
        let mut deferred = Vec::new();
        let mut state = body(program, f, token, &mut deferred, log);
        while let Some(callee) = deferred.pop() {
            let value = match state {
                Err(Leaves::Panic { value, .. }) => Some(value),
                _ => None,
            };
            let mut inner = Token { value, recovered: false };
            let left = run(program, callee, &mut inner, log);
            let was_exiting = matches!(state, Err(Leaves::Goexit | Leaves::Panic { exits: true, .. }));
            state = match left {
                Err(Leaves::Goexit) => Err(Leaves::Goexit),
                Err(Leaves::Panic { value, exits }) => {
                    Err(Leaves::Panic { value, exits: exits || was_exiting })
                }
                Ok(()) if inner.recovered && was_exiting => Err(Leaves::Goexit),
                Ok(()) if inner.recovered => Ok(()),
                Ok(()) => state,
            };
        }
        state
    }

    fn body(
        program: &Program,
        f: usize,
        token: &mut Token,
        deferred: &mut Vec<usize>,
        log: &Log,
    ) -> Result<(), Leaves> {
        for statement in &program[f] {
            match *statement {
                Do::Say(n) => log.add(&format!("say {n}")),
                Do::Defer(callee) => deferred.push(callee),
                Do::Call(callee) => {
                    run(program, callee, &mut Token { value: None, recovered: false }, log)?;
                }
                Do::Recover => match token.value.filter(|_| !token.recovered) {
                    Some(value) => {
                        token.recovered = true;
                        log.add(&format!("recover {value}"));
                    }
                    None => log.add("recover nil"),
                },
                Do::Panic(value) => return Err(Leaves::Panic { value, exits: false }),
                Do::Goexit => return Err(Leaves::Goexit),
            }
        }
        Ok(())
    }

    pub(crate) fn whole(program: &Program, log: &Log) {
        match run(program, 0, &mut Token { value: None, recovered: false }, log) {
            Ok(()) => log.add("returned"),
            Err(Leaves::Panic { exits: true, .. } | Leaves::Goexit) => log.add("exited"),
            Err(Leaves::Panic { value, .. }) => log.add(&format!("panicked {value}")),
        }
    }
}

/// The same program on the machine.
mod machine {
    use super::*;

    fn number(value: Value) -> u32 {
        // SAFETY: raised below.
        unsafe { value.get::<u32>() }.unwrap()
    }

    /// What a function needs; all of it is forgotten when a jump leaves it behind, so nothing in it needs dropping.
    #[derive(Clone, Copy)]
    struct World {
        program: *const Program,
        log: *const Log,
    }

    fn run(world: World, f: usize, mut token: Option<*mut Recovery>) {
        call(|frame| {
            // SAFETY: both outlive the program.
            let (program, log) = unsafe { (&*world.program, &*world.log) };
            for statement in &program[f] {
                match *statement {
                    Do::Say(n) => log.add(&format!("say {n}")),
                    Do::Defer(callee) => frame.defer(move |token| run(world, callee, Some(token))),
                    Do::Call(callee) => run(world, callee, None),
                    Do::Recover => {
                        // SAFETY: the token of the deferred call that this function is.
                        let recovered = token.as_mut().and_then(|token| unsafe { (**token).recover() });
                        log.add(
                            &recovered.map_or("recover nil".into(), |v| format!("recover {}", number(v))),
                        );
                    }
                    // SAFETY: nothing here has anything to drop.
                    Do::Panic(value) => unsafe { raise(value) },
                    Do::Goexit => goexit(),
                }
            }
        });
    }

    pub(crate) fn whole(program: &Program, log: &Log) {
        let world = World { program, log };
        let ended = on_goroutine(|| match catch(|| run(world, 0, None)) {
            Outcome::Panicked(value) => log.add(&format!("panicked {}", number(value))),
            _ => log.add("returned"),
        });
        if ended {
            log.add("exited");
        }
    }
}

/// Runs the program that the bytes stand for on both sides, and compares what they wrote down.
///
/// A Goexit behind a panic that nobody recovers: Go prints the panic, and so would we; a `catch` makes it a Goexit again,
/// and both sides say `exited`.
pub(crate) fn machine(bytes: &[u8]) {
    let program: Program = generate(&mut Random(bytes));
    let (expected, found) = (Log::new(), Log::new());
    model::whole(&program, &expected);
    machine::whole(&program, &found);
    assert_eq!(expected.take(), found.take(), "{bytes:?}: {program:#?}");
}
