//! The answer to a tick as the canonical ABI lays it out in memory, and how long it stays
//! there. Owns that memory. The bindings that are generated copy each text of an answer into
//! a block of its own, and are entered a second time to free them all; here the host reads
//! the turn where it is, and it is let go when the next tick begins. Must not know who
//! calls.

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

/// The last answer, and what its pointers point to.
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

/// `string` or `list`: where it begins, and how many bytes or entries it has.
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

// What the canonical ABI asks for in 32-bit memory.
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

/// Lets the last answer go, calls, and keeps the new one. The host has read it before it
/// calls anything here again.
pub(super) fn replace(call: impl FnOnce(&mut Turn) -> Result<(), Error>) -> *const TickResult {
    // SAFETY: one thread; `call` has no way to come back here.
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
    // At once, so that what points into it stays true.
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
