//! Writes the result of a tick in the memory layout of the canonical ABI.
//!
//! The generated bindings copy each text of a result into a block of its own, and the
//! host calls them a second time to free all blocks. Here the host reads the turn in
//! place, and the next tick frees it.

use std::cell::UnsafeCell;
use std::mem::MaybeUninit;

use crate::contract::error::Error;
use crate::contract::turn::{Link, Message, Turn};
use crate::time::micros;

static LAST_RESULT: LastResult = LastResult(UnsafeCell::new(ResultMemory {
    turn: Turn::new(),
    error: None,
    messages: Vec::new(),
    properties: Vec::new(),
    result: MaybeUninit::uninit(),
}));

struct LastResult(UnsafeCell<ResultMemory>);

// SAFETY: a component has one thread, and `tick` does not enter itself.
unsafe impl Sync for LastResult {}

/// The last result and the memory that its pointers point to.
struct ResultMemory {
    turn: Turn,
    error: Option<Error>,
    messages: Vec<RawMessage>,
    properties: Vec<[RawSlice; 2]>,
    result: MaybeUninit<TickResult>,
}

/// `result<turn, error>`.
#[repr(C)]
pub struct TickResult {
    case: u8,
    body: ResultBody,
}

#[repr(C)]
union ResultBody {
    turn: RawTurn,
    error: RawError,
}

/// `turn`.
#[derive(Clone, Copy)]
#[repr(C)]
struct RawTurn {
    messages: RawSlice,
    status: RawOption<RawSlice>,
    next_tick: RawOption<u64>,
    link: RawOption<RawLink>,
}

/// `error`.
#[derive(Clone, Copy)]
#[repr(C)]
struct RawError {
    case: u8,
    why: RawSlice,
}

/// `message`.
#[repr(C)]
struct RawMessage {
    channel: RawSlice,
    payload: RawSlice,
    content_type: RawOption<RawSlice>,
    properties: RawSlice,
}

/// `link`.
#[derive(Clone, Copy)]
#[repr(C)]
struct RawLink {
    case: u8,
    length: u64,
}

/// `string` or `list`: its address, and its number of bytes or entries.
#[derive(Clone, Copy)]
#[repr(C)]
struct RawSlice {
    pointer: *const u8,
    len: usize,
}

/// `option`.
#[derive(Clone, Copy)]
#[repr(C)]
struct RawOption<T: Copy> {
    case: u8,
    value: MaybeUninit<T>,
}

// The layout of the canonical ABI in 32-bit memory.
const _: () = {
    assert!(size_of::<TickResult>() == 72 && align_of::<TickResult>() == 8);
    assert!(size_of::<RawTurn>() == 64 && size_of::<RawMessage>() == 36);
    assert!(std::mem::offset_of!(RawTurn, next_tick) == 24);
    assert!(std::mem::offset_of!(RawTurn, link) == 40);
};

impl RawSlice {
    fn of<T>(entries: &[T]) -> Self {
        Self {
            pointer: entries.as_ptr().cast(),
            len: entries.len(),
        }
    }
}

impl<T: Copy> RawOption<T> {
    fn of(value: Option<T>) -> Self {
        Self {
            case: u8::from(value.is_some()),
            value: value.map_or(MaybeUninit::uninit(), MaybeUninit::new),
        }
    }
}

/// Frees the last result, calls, and keeps the new result. The host has read the last one
/// before it calls the plugin again.
pub(super) fn replace(call: impl FnOnce(&mut Turn) -> Result<(), Error>) -> *const TickResult {
    // SAFETY: one thread, and `call` cannot call this function.
    let memory = unsafe { &mut *LAST_RESULT.0.get() };
    memory.turn.empty();
    memory.error = call(&mut memory.turn).err();
    let (case, body) = match &memory.error {
        None => {
            let turn = lay_out(&memory.turn, &mut memory.messages, &mut memory.properties);
            (0, ResultBody { turn })
        }
        Some(error) => {
            let (case, why) = match error {
                Error::InvalidConfig(why) => (0, why),
                Error::Failed(why) => (1, why),
                Error::Retired(why) => (2, why),
            };
            let why = RawSlice::of(why.as_bytes());
            let error = RawError { case, why };
            (1, ResultBody { error })
        }
    };
    memory.result.write(TickResult { case, body })
}

fn lay_out(
    turn: &Turn,
    messages: &mut Vec<RawMessage>,
    properties: &mut Vec<[RawSlice; 2]>,
) -> RawTurn {
    properties.clear();
    // All at once, so that pointers into it stay valid.
    properties.reserve(turn.messages.iter().map(|m| m.properties.len()).sum());
    messages.clear();
    messages.extend(
        turn.messages
            .iter()
            .map(|message| lay_out_message(message, properties)),
    );
    RawTurn {
        messages: RawSlice::of(messages),
        status: RawOption::of(
            turn.status
                .as_deref()
                .map(|status| RawSlice::of(status.as_bytes())),
        ),
        next_tick: RawOption::of(turn.next_tick.map(micros)),
        link: RawOption::of(turn.link.map(|link| match link {
            Link::Reconnect => RawLink { case: 0, length: 0 },
            Link::Vanish(length) => RawLink {
                case: 1,
                length: micros(length),
            },
        })),
    }
}

fn lay_out_message(message: &Message, properties: &mut Vec<[RawSlice; 2]>) -> RawMessage {
    let first = properties.len();
    let texts = message.properties.iter();
    properties.extend(texts.map(|(name, value)| {
        [
            RawSlice::of(name.as_bytes()),
            RawSlice::of(value.as_bytes()),
        ]
    }));
    let content_type = message.content_type.as_deref();
    RawMessage {
        channel: RawSlice::of(message.channel.as_bytes()),
        payload: RawSlice::of(&message.payload),
        content_type: RawOption::of(content_type.map(|text| RawSlice::of(text.as_bytes()))),
        properties: RawSlice::of(properties.get(first..).unwrap_or_default()),
    }
}
