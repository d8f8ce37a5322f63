//! Rules out two methods behind one function of the bank, and one method behind two.
#![cfg(loom)]

mod support;

use gort_sync::model::{Arc, model, thread};
use gort_types::nil_method::{BANK, Bank};

#[test]
fn three_claims_of_two_methods() {
    model(|| {
        let ty = support::with_methods();
        let (a, b) = (ty.methods()[0], ty.methods()[1]);
        let bank = Arc::new(Bank::new());
        let other = bank.clone();
        let t = thread::spawn(move || (other.claim(ty, a).unwrap(), other.claim(ty, b).unwrap()));
        let mine = bank.claim(ty, a).unwrap();
        let (theirs, second) = t.join().unwrap();
        assert_eq!(mine, theirs);
        assert_ne!(mine, second);
        assert_eq!(BANK, 2);
        let text = bank.error(second).to_string();
        assert_eq!(text, "value method main.T.B called using nil *T pointer");
    });
}
