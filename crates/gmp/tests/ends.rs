//! What ends the process: each case runs in a process of its own, which is this program again. Without the usual harness, whose
//! main thread would be one that might wake somebody.
#![cfg_attr(loom, allow(dead_code, unused_imports))]

#[cfg(loom)]
fn main() {}
#[cfg(not(loom))]
fn main() {
    cases::main();
}

#[cfg(not(loom))]
mod cases {
    use gort_gmp::{WaitReason, Waiter, go};
    use std::process::{Command, Output};

    /// A case: what the child does, and what its end must look like.
    struct Case {
        name: &'static str,
        child: fn(),
        check: fn(status: Option<i32>, stderr: &str),
    }

    const CASES: [Case; 3] = [
        Case { name: "go_18_stack_overflow", child: overflows, check: says_overflow },
        Case { name: "go_19_deadlock", child: is_stuck, check: says_deadlock },
        Case { name: "go_20_no_deadlock_while_somebody_can_wake", child: seems_stuck, check: says_nothing },
    ];

    pub(super) fn main() {
        if let Some(name) = gort_sys::env::var(b"GORT_TEST_CHILD") {
            let case = CASES.iter().find(|case| case.name.as_bytes() == name).expect("a case");
            (case.child)();
            unreachable!("the case ends the process");
        }
        for case in &CASES {
            let output: Output = Command::new(std::env::current_exe().unwrap())
                .env("GORT_TEST_CHILD", case.name)
                .output()
                .unwrap();
            (case.check)(output.status.code(), &String::from_utf8_lossy(&output.stderr));
            println!("test {} ... ok", case.name);
        }
    }

    /// Waits for ever.
    fn forever(reason: WaitReason) {
        let waiter = Waiter::new();
        // SAFETY: nobody readies it.
        unsafe { waiter.park(reason, gort_sys::context::nothing, 0) };
    }

    /// GO-18: a stack that is used up is reported with the goroutine's number, and the status is 2.
    fn overflows() {
        #[inline(never)]
        fn endless(n: usize) -> usize {
            let frame = std::hint::black_box([n; 32]);
            if frame[0] == usize::MAX { 0 } else { endless(n + 1) + frame[1] }
        }
        go(|| {
            std::hint::black_box(endless(0));
        });
        forever(WaitReason::None);
    }

    fn says_overflow(status: Option<i32>, text: &str) {
        assert_eq!(status, Some(2), "{text}");
        let rest = text.strip_prefix("runtime: goroutine stack exceeds ").expect(text);
        assert!(
            rest.contains("-byte limit\nfatal error: stack overflow\n\ngoroutine 1 [running]:\n"),
            "{text}"
        );
    }

    /// GO-19: goroutines that all wait for ever are reported, with their reasons, though there is C in the process.
    fn is_stuck() {
        go(|| forever(WaitReason::ChanReceive));
        go(|| {
            go(|| forever(WaitReason::ChanSend));
            forever(WaitReason::Select);
        });
        // Long after everybody else is asleep, and sysmon as well.
        std::thread::sleep(std::time::Duration::from_millis(300));
        forever(WaitReason::None);
    }

    fn says_deadlock(status: Option<i32>, text: &str) {
        assert_eq!(status, Some(2), "{text}");
        assert!(text.starts_with("fatal error: all goroutines are asleep - deadlock!\n"), "{text}");
        for part in ["goroutine 1 [chan receive]:\n", " [select]:\n", " [chan send]:\ncreated in goroutine "]
        {
            assert!(text.contains(part), "{part} in {text}");
        }
    }

    /// GO-20: a goroutine that sleeps keeps the report away, and so does a thread that is busy elsewhere.
    fn seems_stuck() {
        go(|| forever(WaitReason::ChanReceive));
        std::thread::spawn(|| {
            std::thread::sleep(std::time::Duration::from_millis(400));
            go(|| {
                gort_gmp::sleep::sleep_ns(400_000_000);
                gort_sys::native::exit_now(7);
            });
            std::thread::sleep(std::time::Duration::from_secs(60));
        });
        forever(WaitReason::None);
    }

    fn says_nothing(status: Option<i32>, text: &str) {
        assert_eq!((status, text), (Some(7), ""));
    }
}
