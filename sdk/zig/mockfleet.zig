//! Write virtual IoT devices for mockfleet in Zig, on the SDK for C: README.md explains the parts.
//!
//! Memory: what a call is given is valid until it returns, and what it gives is copied. A `Device`
//! and the settings are valid as long as the device.

const std = @import("std");

/// A time in microseconds since 1970 on the run's clock, or a duration in microseconds.
pub const Time = u64;

/// Microseconds of a number of seconds.
pub fn seconds(count: u64) Time {
    return count * 1_000_000;
}

/// The identity of a device.
pub const Device = extern struct {
    id: [*:0]const u8,
    group: [*:0]const u8,
    index: u32,
    seed: u64,
    born: Time,

    /// The random numbers of the device for one purpose: each name has its own.
    pub fn random(self: *const Device, name: [*:0]const u8) Rng {
        return mf_random(self, name);
    }
};

/// The call of a device that is switched on. `first_tick` is 0 if the schedule has none.
pub const Start = extern struct { at: Time, first_tick: Time };

/// A call on schedule. `sequence` is the number of ticks before it.
pub const Tick = extern struct { at: Time, sequence: u64 };

/// Bytes with their number.
pub const Text = extern struct {
    bytes: [*]const u8,
    size: usize,

    pub fn slice(self: Text) []const u8 {
        return self.bytes[0..self.size];
    }
};

pub const Property = extern struct { name: [*:0]const u8, value: [*:0]const u8 };

/// A received message. A path names a value of its JSON, such as "route.2.lat".
pub const Message = extern struct {
    channel: [*:0]const u8,
    payload: Text,
    content_type: ?[*:0]const u8,
    properties: [*]const Property,
    property_count: usize,

    pub fn number(self: Message, path: [*:0]const u8) ?f64 {
        var value: f64 = 0;
        return if (mf_get_number(self.payload, path, &value)) value else null;
    }

    pub fn integer(self: Message, path: [*:0]const u8) ?i64 {
        var value: i64 = 0;
        return if (mf_get_integer(self.payload, path, &value)) value else null;
    }

    pub fn flag(self: Message, path: [*:0]const u8) ?bool {
        var value = false;
        return if (mf_get_flag(self.payload, path, &value)) value else null;
    }

    /// A text, which is valid until the call returns.
    pub fn text(self: Message, turn: *Turn, path: [*:0]const u8) ?[:0]const u8 {
        var value: [*:0]const u8 = undefined;
        return if (mf_get_text(turn, self.payload, path, &value)) std.mem.span(value) else null;
    }
};

pub const Outcome = enum(c_int) { acked, sent, failed, dropped };

/// The outcome of a message of this device. `sequence` is its place among them.
pub const Receipt = extern struct {
    sequence: u64,
    channel: [*:0]const u8,
    outcome: Outcome,
    latency: Time,
    detail: ?[*:0]const u8,
};

/// An event between ticks: `reason` belongs to `.disconnected`, `message` to `.received`, and
/// `receipt` to `.settled`.
pub const Event = extern struct {
    kind: enum(c_int) { connected, disconnected, received, settled },
    at: Time,
    reason: ?[*:0]const u8,
    message: Message,
    receipt: Receipt,
};

const Result = enum(c_int) { ok, failed, retired, invalid };

/// The errors of a call that `Turn` returns. Any other error fails the call with its name.
pub const CallError = error{ CallFailed, DeviceRetired, InvalidSettings };

/// The turn of a call.
pub const Turn = opaque {
    /// Sends a message. `contentType` and `property` complete the message that was sent last.
    pub fn send(turn: *Turn, channel: [*:0]const u8, payload: []const u8) void {
        mf_send(turn, channel, payload.ptr, payload.len);
    }

    pub fn contentType(turn: *Turn, value: [*:0]const u8) void {
        mf_content_type(turn, value);
    }

    pub fn property(turn: *Turn, name: [*:0]const u8, value: [*:0]const u8) void {
        mf_add_property(turn, name, value);
    }

    /// Sends a JSON object, which is written after this.
    pub fn sendJson(turn: *Turn, channel: [*:0]const u8) *Json {
        return mf_send_json(turn, channel);
    }

    pub fn status(turn: *Turn, value: [*:0]const u8) void {
        mf_status(turn, value);
    }

    /// The time from the `at` of this call to the next tick.
    pub fn nextTick(turn: *Turn, after: Time) void {
        mf_next_tick(turn, after);
    }

    pub fn reconnect(turn: *Turn) void {
        mf_reconnect(turn);
    }

    /// Loses the connection without a goodbye, for a time.
    pub fn vanish(turn: *Turn, length: Time) void {
        mf_vanish(turn, length);
    }

    /// `return turn.fail("no paper in {s}", .{tray});` ends a call without its messages. The
    /// device goes on.
    pub fn fail(turn: *Turn, comptime format: []const u8, arguments: anytype) CallError {
        _ = mf_fail(turn, "%s", turn.print(format, arguments));
        return error.CallFailed;
    }

    /// Ends the device for good.
    pub fn retire(turn: *Turn, comptime format: []const u8, arguments: anytype) CallError {
        _ = mf_retire(turn, "%s", turn.print(format, arguments));
        return error.DeviceRetired;
    }

    /// For `create`: the settings cannot work. A key before the text, as in
    /// "config.route.2.lat: ...", shows its line of the fleet file.
    pub fn invalid(turn: *Turn, comptime format: []const u8, arguments: anytype) CallError {
        _ = mf_invalid(turn, "%s", turn.print(format, arguments));
        return error.InvalidSettings;
    }

    /// A text in the memory of the call.
    pub fn print(turn: *Turn, comptime format: []const u8, arguments: anytype) [*:0]const u8 {
        const size = std.fmt.count(format, arguments) + 1;
        const memory: [*]u8 = @ptrCast(mf_alloc(turn, size));
        const written = std.fmt.bufPrint(memory[0..size], format ++ "\x00", arguments) catch unreachable;
        return @ptrCast(written.ptr);
    }

    /// Up to `length` bytes of a data file of the group, at most 1 MiB; null if there is none.
    pub fn readData(turn: *Turn, name: [*:0]const u8, offset: u64, length: u32) ?[]const u8 {
        var bytes: Text = undefined;
        return if (mf_data_read(turn, name, offset, length, &bytes)) bytes.slice() else null;
    }

    fn result(turn: *Turn, err: anyerror) Result {
        return switch (err) {
            error.CallFailed => .failed,
            error.DeviceRetired => .retired,
            error.InvalidSettings => .invalid,
            else => mf_fail(turn, "%s", @errorName(err).ptr),
        };
    }
};

/// A JSON object that is written. `key` is null in a list.
pub const Json = opaque {
    pub fn number(json: *Json, key: ?[*:0]const u8, value: f64) void {
        mf_put_number(json, key, value);
    }

    pub fn integer(json: *Json, key: ?[*:0]const u8, value: i64) void {
        mf_put_integer(json, key, value);
    }

    pub fn text(json: *Json, key: ?[*:0]const u8, value: [*:0]const u8) void {
        mf_put_text(json, key, value);
    }

    pub fn flag(json: *Json, key: ?[*:0]const u8, value: bool) void {
        mf_put_flag(json, key, value);
    }

    pub fn object(json: *Json, key: ?[*:0]const u8) void {
        mf_open_object(json, key);
    }

    pub fn list(json: *Json, key: ?[*:0]const u8) void {
        mf_open_list(json, key);
    }

    /// Closes the object or list that was opened last. The end of the call closes the others.
    pub fn close(json: *Json) void {
        mf_close(json);
    }
};

/// Random numbers: the same for the same seed, and as in the other SDKs.
pub const Rng = extern struct {
    state: u64,

    pub fn bits(self: *Rng) u64 {
        return mf_bits(self);
    }

    /// From 0 (included) to 1 (excluded).
    pub fn unit(self: *Rng) f64 {
        return mf_unit(self);
    }

    pub fn range(self: *Rng, low: f64, high: f64) f64 {
        return mf_range(self, low, high);
    }

    /// A whole number from 0 (included) to `end` (excluded).
    pub fn below(self: *Rng, end: u64) u64 {
        return mf_below(self, end);
    }

    pub fn chance(self: *Rng, probability: f64) bool {
        return mf_chance(self, probability);
    }

    pub fn normal(self: *Rng, mean: f64, deviation: f64) f64 {
        return mf_normal(self, mean, deviation);
    }
};

/// Rounds a number to 0 to 15 decimals, halves away from zero.
pub fn round(value: f64, decimals: c_uint) f64 {
    return mf_round(value, decimals);
}

const Bounds = extern struct {
    has_min: bool = false,
    has_max: bool = false,
    min: f64 = 0,
    max: f64 = 0,
};

/// A random walk: each value is the one before plus a normal step, pulled to a mean by `pull`, 0 to
/// 1. The first value is `value`.
pub const Walk = extern struct {
    rng: Rng,
    value: f64 = 0,
    step: f64 = 1,
    mean: f64 = 0,
    pull: f64 = 0,
    bounds: Bounds = .{},
    begun: bool = false,

    pub fn next(self: *Walk) f64 {
        return mf_walk_next(self);
    }

    /// The same walk, reflected at these bounds.
    pub fn between(self: Walk, low: f64, high: f64) Walk {
        var walk = self;
        walk.bounds = .{ .has_min = true, .has_max = true, .min = low, .max = high };
        return walk;
    }
};

/// What a behaviour says about itself.
pub const About = struct {
    summary: [*:0]const u8,
    channels: []const [*:0]const u8 = &.{},
    statuses: []const [*:0]const u8 = &.{},
    /// The events that `handle` is called for.
    events: packed struct(c_uint) {
        link: bool = false,
        downlink: bool = false,
        receipts: bool = false,
        rest: @Int(.unsigned, @bitSizeOf(c_uint) - 3) = 0,
    } = .{},
};

/// More about a setting, in `rules` of the settings.
pub const Rule = struct {
    about: ?[*:0]const u8 = null,
    min: ?f64 = null,
    max: ?f64 = null,
    /// Of texts: all that are allowed.
    choices: []const [*:0]const u8 = &.{},
};

const Setting = extern struct {
    name: [*:0]const u8,
    description: ?[*:0]const u8,
    offset: usize,
    kind: enum(c_int) { number, integer, text, flag },
    number: f64 = 0,
    integer: i64 = 0,
    text: ?[*:0]const u8 = null,
    flag: bool = false,
    bounds: Bounds,
    choices: ?[*]const ?[*:0]const u8,
    required: bool,
};

fn list(comptime names: []const [*:0]const u8) ?[*]const ?[*:0]const u8 {
    if (names.len == 0) return null;
    const Ended = struct {
        const names_and_end: [names.len + 1]?[*:0]const u8 = made: {
            var entries: [names.len + 1]?[*:0]const u8 = @splat(null);
            for (names, 0..) |name, place| entries[place] = name;
            break :made entries;
        };
    };
    return &Ended.names_and_end;
}

fn settingsOf(comptime Settings: type) [@typeInfo(Settings).@"struct".field_names.len]Setting {
    const info = @typeInfo(Settings).@"struct";
    var settings: [info.field_names.len]Setting = undefined;
    inline for (info.field_names, info.field_types, info.field_attrs, 0..) |name, Field, attributes, place| {
        const has_rule = @hasDecl(Settings, "rules") and @hasField(@TypeOf(Settings.rules), name);
        const rule: Rule = if (has_rule) @field(Settings.rules, name) else .{};
        const default = attributes.defaultValue(Field);
        settings[place] = .{
            .name = name,
            .description = rule.about,
            .offset = @offsetOf(Settings, name),
            .kind = switch (Field) {
                f64 => .number,
                i64 => .integer,
                [*:0]const u8 => .text,
                bool => .flag,
                else => @compileError("the setting " ++ name ++ " is a " ++ @typeName(Field) ++ "; f64, i64, bool and [*:0]const u8 are right"),
            },
            .bounds = .{
                .has_min = rule.min != null,
                .has_max = rule.max != null,
                .min = rule.min orelse 0,
                .max = rule.max orelse 0,
            },
            .choices = list(rule.choices),
            .required = default == null,
        };
        if (default) |value| switch (Field) {
            f64 => settings[place].number = value,
            i64 => settings[place].integer = value,
            bool => settings[place].flag = value,
            else => settings[place].text = value,
        };
    }
    return settings;
}

const Behaviour = extern struct {
    summary: [*:0]const u8,
    channels: ?[*]const ?[*:0]const u8,
    statuses: ?[*]const ?[*:0]const u8,
    events: c_uint,
    settings: [*]const Setting,
    setting_count: usize,
    settings_size: usize,
    state_size: usize,
    create: *const fn (*anyopaque, *const Device, *const anyopaque, *Turn) callconv(.c) Result,
    start: ?*const fn (*anyopaque, *const Start, *Turn) callconv(.c) Result,
    tick: *const fn (*anyopaque, *const Tick, *Turn) callconv(.c) Result,
    handle: ?*const fn (*anyopaque, *const Event, *Turn) callconv(.c) Result,
    drop: ?*const fn (*anyopaque) callconv(.c) void,
};

/// Makes a plugin of the type of a device: `comptime { mockfleet.plugin(Sensor); }`.
///
/// The type has `about`, `Settings`, `create`, `tick`, and where it wants them `start`, `handle`
/// and `drop`.
pub fn plugin(comptime Sort: type) void {
    const Calls = struct {
        const settings = settingsOf(Sort.Settings);

        fn of(state: *anyopaque) *Sort {
            return @ptrCast(@alignCast(state));
        }

        fn create(state: *anyopaque, device: *const Device, given: *const anyopaque, turn: *Turn) callconv(.c) Result {
            const own: *const Sort.Settings = @ptrCast(@alignCast(given));
            of(state).* = Sort.create(device, own.*, turn) catch |err| return turn.result(err);
            return .ok;
        }

        fn start(state: *anyopaque, call: *const Start, turn: *Turn) callconv(.c) Result {
            Sort.start(of(state), call.*, turn) catch |err| return turn.result(err);
            return .ok;
        }

        fn tick(state: *anyopaque, call: *const Tick, turn: *Turn) callconv(.c) Result {
            Sort.tick(of(state), call.*, turn) catch |err| return turn.result(err);
            return .ok;
        }

        fn handle(state: *anyopaque, event: *const Event, turn: *Turn) callconv(.c) Result {
            Sort.handle(of(state), event.*, turn) catch |err| return turn.result(err);
            return .ok;
        }

        fn drop(state: *anyopaque) callconv(.c) void {
            Sort.drop(of(state));
        }

        const behaviour: Behaviour = .{
            .summary = Sort.about.summary,
            .channels = list(Sort.about.channels),
            .statuses = list(Sort.about.statuses),
            .events = @bitCast(Sort.about.events),
            .settings = &settings,
            .setting_count = settings.len,
            .settings_size = @sizeOf(Sort.Settings),
            .state_size = @sizeOf(Sort),
            .create = create,
            .start = if (@hasDecl(Sort, "start")) start else null,
            .tick = tick,
            .handle = if (@hasDecl(Sort, "handle")) handle else null,
            .drop = if (@hasDecl(Sort, "drop")) drop else null,
        };
    };
    @export(&Calls.behaviour, .{ .name = "mf_plugin" });
}

/// A device that runs natively, on a clock of its own, for tests: switched on at
/// 2026-01-01T00:00:00Z, with a tick each second. A test ends when the device uses a channel, a
/// status or an event that its `about` does not name.
pub const Trial = opaque {
    /// Switches a device on, with settings as a JSON object.
    pub fn new(settings: [*:0]const u8) *Trial {
        return mf_trial_new(settings);
    }

    pub fn ticks(trial: *Trial, number: usize) void {
        mf_trial_ticks(trial, number);
    }

    pub fn receive(trial: *Trial, channel: [*:0]const u8, payload: [*:0]const u8) void {
        mf_trial_receive(trial, channel, payload);
    }

    pub fn connected(trial: *Trial) void {
        mf_trial_connected(trial);
    }

    pub fn disconnected(trial: *Trial, reason: [*:0]const u8) void {
        mf_trial_disconnected(trial, reason);
    }

    pub fn settled(trial: *Trial, sequence: u64, channel: [*:0]const u8, outcome: Outcome) void {
        mf_trial_settled(trial, sequence, channel, outcome);
    }

    /// The payload of a message on a channel, counted from 0; empty if there are fewer.
    pub fn sent(trial: *const Trial, channel: [*:0]const u8, number: usize) []const u8 {
        return span(mf_trial_sent(trial, channel, number));
    }

    pub fn count(trial: *const Trial, channel: [*:0]const u8) usize {
        return mf_trial_count(trial, channel);
    }

    /// The last reported status; empty if there is none.
    pub fn status(trial: *const Trial) []const u8 {
        return span(mf_trial_status(trial));
    }

    /// The error of the last call; empty if it succeeded.
    pub fn failure(trial: *const Trial) []const u8 {
        return span(mf_trial_error(trial));
    }

    /// Why the device retired; empty if it has not.
    pub fn retired(trial: *const Trial) []const u8 {
        return span(mf_trial_retired(trial));
    }

    fn span(text: ?[*:0]const u8) []const u8 {
        return if (text) |there| std.mem.span(there) else "";
    }
};

extern fn mf_random(device: *const Device, name: [*:0]const u8) Rng;
extern fn mf_bits(rng: *Rng) u64;
extern fn mf_unit(rng: *Rng) f64;
extern fn mf_range(rng: *Rng, low: f64, high: f64) f64;
extern fn mf_below(rng: *Rng, end: u64) u64;
extern fn mf_chance(rng: *Rng, probability: f64) bool;
extern fn mf_normal(rng: *Rng, mean: f64, deviation: f64) f64;
extern fn mf_round(value: f64, decimals: c_uint) f64;
extern fn mf_walk_next(walk: *Walk) f64;
extern fn mf_get_number(json: Text, path: [*:0]const u8, value: *f64) bool;
extern fn mf_get_integer(json: Text, path: [*:0]const u8, value: *i64) bool;
extern fn mf_get_flag(json: Text, path: [*:0]const u8, value: *bool) bool;
extern fn mf_get_text(turn: *Turn, json: Text, path: [*:0]const u8, value: *[*:0]const u8) bool;
extern fn mf_send(turn: *Turn, channel: [*:0]const u8, payload: [*]const u8, size: usize) void;
extern fn mf_content_type(turn: *Turn, value: [*:0]const u8) void;
extern fn mf_add_property(turn: *Turn, name: [*:0]const u8, value: [*:0]const u8) void;
extern fn mf_send_json(turn: *Turn, channel: [*:0]const u8) *Json;
extern fn mf_status(turn: *Turn, value: [*:0]const u8) void;
extern fn mf_next_tick(turn: *Turn, after: Time) void;
extern fn mf_reconnect(turn: *Turn) void;
extern fn mf_vanish(turn: *Turn, length: Time) void;
extern fn mf_fail(turn: *Turn, format: [*:0]const u8, ...) Result;
extern fn mf_retire(turn: *Turn, format: [*:0]const u8, ...) Result;
extern fn mf_invalid(turn: *Turn, format: [*:0]const u8, ...) Result;
extern fn mf_alloc(turn: *Turn, size: usize) *anyopaque;
extern fn mf_data_read(turn: *Turn, name: [*:0]const u8, offset: u64, length: u32, bytes: *Text) bool;
extern fn mf_put_number(json: *Json, key: ?[*:0]const u8, value: f64) void;
extern fn mf_put_integer(json: *Json, key: ?[*:0]const u8, value: i64) void;
extern fn mf_put_text(json: *Json, key: ?[*:0]const u8, value: [*:0]const u8) void;
extern fn mf_put_flag(json: *Json, key: ?[*:0]const u8, value: bool) void;
extern fn mf_open_object(json: *Json, key: ?[*:0]const u8) void;
extern fn mf_open_list(json: *Json, key: ?[*:0]const u8) void;
extern fn mf_close(json: *Json) void;
extern fn mf_trial_new(settings: [*:0]const u8) *Trial;
extern fn mf_trial_ticks(trial: *Trial, count: usize) void;
extern fn mf_trial_receive(trial: *Trial, channel: [*:0]const u8, payload: [*:0]const u8) void;
extern fn mf_trial_connected(trial: *Trial) void;
extern fn mf_trial_disconnected(trial: *Trial, reason: [*:0]const u8) void;
extern fn mf_trial_settled(trial: *Trial, sequence: u64, channel: [*:0]const u8, outcome: Outcome) void;
extern fn mf_trial_sent(trial: *const Trial, channel: [*:0]const u8, number: usize) ?[*:0]const u8;
extern fn mf_trial_count(trial: *const Trial, channel: [*:0]const u8) usize;
extern fn mf_trial_status(trial: *const Trial) ?[*:0]const u8;
extern fn mf_trial_error(trial: *const Trial) ?[*:0]const u8;
extern fn mf_trial_retired(trial: *const Trial) ?[*:0]const u8;
