//! The answer to a tick as the canonical ABI lays it out in memory, and how long it stays
//! there. Owns that memory. The bindings that are generated copy each text of an answer into
//! a block of its own, and are entered a second time to free them all; here the host reads
//! the turn where it is, and it is let go when the next tick begins. Must not know who
//! calls.

use std::cell::UnsafeCell;
use std::mem::MaybeUninit;

use crate::error::Error;
use crate::time::micros;
use crate::turn::{Link, Message, Turn};

static LAST: Last = Last(UnsafeCell::new(Kept {
    turn: Turn::new(),
    error: None,
    messages: Vec::new(),
    properties: Vec::new(),
    answer: MaybeUninit::uninit(),
}));

struct Last(UnsafeCell<Kept>);

// SAFETY: a component has one thread, and `tick` does not enter itself.
unsafe impl Sync for Last {}

/// The last answer, and what its pointers point to.
struct Kept {
    turn: Turn,
    error: Option<Error>,
    messages: Vec<RawMessage>,
    properties: Vec<[Text; 2]>,
    answer: MaybeUninit<Answer>,
}

/// `result<turn, error>`.
#[repr(C)]
pub struct Answer {
    case: u8,
    body: Body,
}

#[repr(C)]
union Body {
    turn: RawTurn,
    error: RawError,
}

/// `turn`.
#[derive(Clone, Copy)]
#[repr(C)]
struct RawTurn {
    messages: Text,
    status: Maybe<Text>,
    next_tick: Maybe<u64>,
    link: Maybe<RawLink>,
}

/// `error`.
#[derive(Clone, Copy)]
#[repr(C)]
struct RawError {
    case: u8,
    why: Text,
}

/// `message`.
#[repr(C)]
struct RawMessage {
    channel: Text,
    payload: Text,
    content_type: Maybe<Text>,
    properties: Text,
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
struct Text {
    pointer: *const u8,
    len: usize,
}

/// `option`.
#[derive(Clone, Copy)]
#[repr(C)]
struct Maybe<T: Copy> {
    case: u8,
    value: MaybeUninit<T>,
}

// What the canonical ABI asks for in 32-bit memory.
const _: () = {
    assert!(size_of::<Answer>() == 72 && align_of::<Answer>() == 8);
    assert!(size_of::<RawTurn>() == 64 && size_of::<RawMessage>() == 36);
    assert!(std::mem::offset_of!(RawTurn, next_tick) == 24);
    assert!(std::mem::offset_of!(RawTurn, link) == 40);
};

impl Text {
    fn of<T>(entries: &[T]) -> Self {
        Self {
            pointer: entries.as_ptr().cast(),
            len: entries.len(),
        }
    }
}

impl<T: Copy> Maybe<T> {
    fn of(value: Option<T>) -> Self {
        Self {
            case: u8::from(value.is_some()),
            value: value.map_or(MaybeUninit::uninit(), MaybeUninit::new),
        }
    }
}

/// Lets the last answer go, calls, and keeps the new one. The host has read it before it
/// calls anything here again.
pub(super) fn keep(call: impl FnOnce(&mut Turn) -> Result<(), Error>) -> *const Answer {
    // SAFETY: one thread; `call` has no way to come back here.
    let kept = unsafe { &mut *LAST.0.get() };
    kept.turn.empty();
    kept.error = call(&mut kept.turn).err();
    let (case, body) = match &kept.error {
        None => {
            let turn = lay_out(&kept.turn, &mut kept.messages, &mut kept.properties);
            (0, Body { turn })
        }
        Some(error) => {
            let (case, why) = match error {
                Error::InvalidConfig(why) => (0, why),
                Error::Failed(why) => (1, why),
                Error::Retired(why) => (2, why),
            };
            let why = Text::of(why.as_bytes());
            let error = RawError { case, why };
            (1, Body { error })
        }
    };
    kept.answer.write(Answer { case, body })
}

fn lay_out(
    turn: &Turn,
    messages: &mut Vec<RawMessage>,
    properties: &mut Vec<[Text; 2]>,
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
        messages: Text::of(messages),
        status: Maybe::of(
            turn.status
                .as_deref()
                .map(|status| Text::of(status.as_bytes())),
        ),
        next_tick: Maybe::of(turn.next_tick.map(micros)),
        link: Maybe::of(turn.link.map(|link| match link {
            Link::Reconnect => RawLink { case: 0, length: 0 },
            Link::Vanish(length) => RawLink {
                case: 1,
                length: micros(length),
            },
        })),
    }
}

fn lay_out_message(message: &Message, properties: &mut Vec<[Text; 2]>) -> RawMessage {
    let first = properties.len();
    let texts = message.properties.iter();
    properties
        .extend(texts.map(|(name, value)| [Text::of(name.as_bytes()), Text::of(value.as_bytes())]));
    let content_type = message.content_type.as_deref();
    RawMessage {
        channel: Text::of(message.channel.as_bytes()),
        payload: Text::of(&message.payload),
        content_type: Maybe::of(content_type.map(|text| Text::of(text.as_bytes()))),
        properties: Text::of(properties.get(first..).unwrap_or_default()),
    }
}
