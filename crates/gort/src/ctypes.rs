//! Types of the C interface under their C names; the header's hand-written parts define them.
#![allow(non_camel_case_types, reason = "names of C")]

pub use gort_defer::Runner as go_runner;
pub use gort_defer::closure::Closure as go_closure;
pub use gort_defer::frame::Frame as go_frame;
pub use gort_defer::panic::Recovery as go_recovery;
pub use gort_types::{Any as go_any, Field as go_field, Iface as go_iface, Itab as go_itab, Type as go_type};
