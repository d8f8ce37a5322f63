//! Why a goroutine waits, for those who look on.

macro_rules! reasons {
    ($($name:ident = $text:literal,)*) => {
        /// Why a goroutine waits; the texts are Go's (DG-2).
        #[repr(u32)]
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum WaitReason {
            /// It does not, or nobody said why.
            None,
            $(#[doc = concat!("`", $text, "`")] $name,)*
        }

        impl WaitReason {
            #[cfg(not(loom))]
            const ALL: &[Self] = &[Self::None, $(Self::$name,)*];

            /// The reason of a number, as stored in a goroutine's record.
            #[cfg(not(loom))]
            pub(crate) fn from_number(n: usize) -> Self {
                Self::ALL.get(n).copied().unwrap_or(Self::None)
            }

            /// As dumps show it.
            pub const fn text(self) -> &'static str {
                match self { Self::None => "", $(Self::$name => $text,)* }
            }
        }
    };
}

reasons! {
    ChanReceive = "chan receive",
    ChanSend = "chan send",
    ChanReceiveNil = "chan receive (nil chan)",
    ChanSendNil = "chan send (nil chan)",
    Select = "select",
    SelectNoCases = "select (no cases)",
    Sleep = "sleep",
    Semacquire = "semacquire",
    MutexLock = "sync.Mutex.Lock",
    RwMutexRLock = "sync.RWMutex.RLock",
    RwMutexLock = "sync.RWMutex.Lock",
    WaitGroupWait = "sync.WaitGroup.Wait",
    CondWait = "sync.Cond.Wait",
    Join = "join",
    Preempted = "preempted",
}
