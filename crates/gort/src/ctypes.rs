//! Types of the C interface under their C names; the header's hand-written parts define them.
#![allow(non_camel_case_types, reason = "names of C")]

pub use gort_chan::RawChan as go_chan;
pub use gort_chan::cond::Cond as go_cond;
pub use gort_chan::mutex::Mutex as go_mutex;
pub use gort_chan::once::Once as go_once;
pub use gort_chan::rwmutex::RwMutex as go_rwmutex;
pub use gort_chan::select::Case as go_case;
pub use gort_chan::sema::Semaphore as go_sema;
pub use gort_chan::timer::GoTimer as go_timer;
pub use gort_chan::waitgroup::WaitGroup as go_waitgroup;
pub use gort_defer::Runner as go_runner;
pub use gort_defer::closure::Closure as go_closure;
pub use gort_defer::frame::Frame as go_frame;
pub use gort_defer::panic::Recovery as go_recovery;
pub use gort_types::{Any as go_any, Field as go_field, Iface as go_iface, Itab as go_itab, Type as go_type};
