//! The basic types.
//!
//! The descriptors carry their C names (`go_type_int32`), so that a C program's `&go_type_int32` and a Rust program's
//! [`INT32`] are one address, also where the linker copies the descriptor into the program: every use in the library goes
//! through the symbol.

use crate::descriptor::{Cache, Kind, Type};
use core::ffi::CStr;

macro_rules! basic {
    ($($id:ident $symbol:literal $name:literal $kind:ident $size:literal;)*) => { $(
        #[doc = concat!("The type `", $name, "`.")]
        #[unsafe(export_name = $symbol)]
        pub static $id: Type = {
            static CACHE: Cache = Cache::new();
            const NAME: &CStr = match CStr::from_bytes_with_nul(concat!($name, "\0").as_bytes()) {
                Ok(name) => name,
                Err(_) => c"",
            };
            Type { name: NAME.as_ptr(), size: $size, align: $size, kind: Kind::$kind, cache: &CACHE, ..Type::EMPTY }
        };
    )* };
}

basic! {
    BOOL "go_type_bool" "bool" Bool 1;
    INT8 "go_type_int8" "int8" Int8 1;
    INT16 "go_type_int16" "int16" Int16 2;
    INT32 "go_type_int32" "int32" Int32 4;
    INT64 "go_type_int64" "int64" Int64 8;
    UINT8 "go_type_uint8" "uint8" Uint8 1;
    UINT16 "go_type_uint16" "uint16" Uint16 2;
    UINT32 "go_type_uint32" "uint32" Uint32 4;
    UINT64 "go_type_uint64" "uint64" Uint64 8;
    FLOAT32 "go_type_float32" "float32" Float32 4;
    FLOAT64 "go_type_float64" "float64" Float64 8;
    STRING "go_type_string" "string" String 8;
    POINTER "go_type_pointer" "unsafe.Pointer" Pointer 8;
}
