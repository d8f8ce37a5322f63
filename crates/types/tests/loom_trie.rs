//! Rules out two records for one key, a record lost, and a record found before its contents are visible.
#![cfg(loom)]

use gort_sync::cell::UnsafeCell;
use gort_sync::model::{Arc, model, thread};
use gort_types::trie::Trie;

/// A key, and contents whose reads loom watches.
struct Record(u64, UnsafeCell<u64>);

// SAFETY: written before it is shared.
unsafe impl Sync for Record {}
// SAFETY: as above.
unsafe impl Send for Record {}

impl Record {
    fn new(key: u64) -> Self {
        Self(key, UnsafeCell::new(key + 100))
    }

    fn is(&self, key: u64) -> bool {
        // SAFETY: nobody writes any more.
        let contents = self.1.with(|at| unsafe { *at });
        self.0 == key && contents == key + 100
    }
}

type Table = Trie<Record>;

fn intern(table: &Table, hash: u64, key: u64) -> &'static Record {
    table.intern(hash, |r| r.is(key), || Some(Record::new(key))).unwrap()
}

/// Three threads ask for one new key: all get the same record.
#[test]
fn three_threads_intern_one_key() {
    model(|| {
        let table = Arc::new(Table::new());
        let others: Vec<_> = (0..2)
            .map(|_| {
                let table = table.clone();
                thread::spawn(move || core::ptr::from_ref(intern(&table, 5, 1)).addr())
            })
            .collect();
        let mine = core::ptr::from_ref(intern(&table, 5, 1)).addr();
        for other in others {
            assert_eq!(other.join().unwrap(), mine);
        }
    });
}

/// Two new keys race for one link, since their hashes agree; both are kept, once.
#[test]
fn two_keys_race_for_one_link() {
    model(|| {
        let table = Arc::new(Table::new());
        let other = table.clone();
        let t = thread::spawn(move || core::ptr::from_ref(intern(&other, 5, 1)).addr());
        let mine = core::ptr::from_ref(intern(&table, 5, 2)).addr();
        let theirs = t.join().unwrap();
        assert_ne!(mine, theirs);
        for (key, at) in [(1, theirs), (2, mine)] {
            assert_eq!(core::ptr::from_ref(table.find(5, |r| r.is(key)).unwrap()).addr(), at);
        }
    });
}

/// A reader beside an insertion finds nothing, or the whole record.
#[test]
fn a_reader_sees_all_of_a_record_or_none() {
    model(|| {
        let table = Arc::new(Table::new());
        intern(&table, 1, 0);
        let other = table.clone();
        let t = thread::spawn(move || {
            intern(&other, 1, 7);
        });
        if let Some(found) = table.find(1, |r| r.is(7)) {
            assert!(found.is(7));
        }
        assert!(table.find(1, |r| r.is(0)).is_some());
        t.join().unwrap();
        assert!(table.find(1, |r| r.is(7)).is_some());
    });
}
