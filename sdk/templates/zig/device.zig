//! A room sensor: its temperature varies, and it reports when it is hot.

const std = @import("std");
const mockfleet = @import(".mockfleet/sdk/zig/mockfleet.zig");

const Sensor = struct {
    temperature: mockfleet.Walk,
    limit: f64,

    pub const about: mockfleet.About = .{
        .summary = "A room sensor: its temperature varies, and it reports when it is hot",
        .channels = &.{"telemetry"},
        .statuses = &.{ "ok", "hot" },
        .events = .{ .downlink = true },
    };

    /// The settings under `config` in the fleet file.
    pub const Settings = struct {
        base: f64 = 21,
        limit: f64 = 22,

        pub const rules = .{
            .base = mockfleet.Rule{ .about = "The first temperature, in °C.", .min = -40, .max = 85 },
            .limit = mockfleet.Rule{ .about = "The temperature above which the sensor is hot, in °C." },
        };
    };

    pub fn create(device: *const mockfleet.Device, settings: Settings, _: *mockfleet.Turn) !Sensor {
        return .{
            .temperature = .{ .rng = device.random("temperature"), .value = settings.base, .step = 0.3 },
            .limit = settings.limit,
        };
    }

    pub fn tick(self: *Sensor, _: mockfleet.Tick, turn: *mockfleet.Turn) !void {
        const temperature = mockfleet.round(self.temperature.next(), 2);
        const reading = turn.sendJson("telemetry");
        reading.number("temperature", temperature);
        reading.number("limit", self.limit);
        turn.status(if (temperature > self.limit) "hot" else "ok");
    }

    /// A command from the backend: {"limit": 25}.
    pub fn handle(self: *Sensor, event: mockfleet.Event, turn: *mockfleet.Turn) !void {
        if (event.kind != .received) return;
        self.limit = event.message.number("limit") orelse
            return turn.fail("the command has no number \"limit\"", .{});
    }
};

comptime {
    mockfleet.plugin(Sensor);
}

test "a sensor with a lower limit becomes hot" {
    const sensor = mockfleet.Trial.new("{\"base\": 21, \"limit\": 30}");
    sensor.ticks(1);
    try std.testing.expectEqualStrings("{\"temperature\":21.0,\"limit\":30.0}", sensor.sent("telemetry", 0));
    try std.testing.expectEqualStrings("ok", sensor.status());

    sensor.receive("command", "{\"limit\": 10}");
    sensor.ticks(1);
    try std.testing.expectEqualStrings("hot", sensor.status());
}
