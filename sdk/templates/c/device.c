/* A room sensor: its temperature varies, and it reports when it is hot. */

#include <mockfleet.h>

/* The settings under `config` in the fleet file. */
typedef struct {
    double base, limit;
} settings;

static const mf_setting SETTINGS[] = {
    MF_NUMBER(settings, base, 21.0, "The first temperature, in °C.", .bounds = MF_BETWEEN(-40, 85)),
    MF_NUMBER(settings, limit, 22.0, "The temperature above which the sensor is hot, in °C."),
};

/* The state of one device. */
typedef struct {
    mf_walk temperature;
    double limit;
} sensor;

static mf_result create(void *state, const mf_device *device, const void *config, mf_turn *turn) {
    sensor *self = state;
    const settings *given = config;
    (void)turn;
    self->limit = given->limit;
    self->temperature = (mf_walk){.rng = mf_random(device, "temperature"), .value = given->base, .step = 0.3};
    return MF_OK;
}

static mf_result tick(void *state, const mf_tick *tick, mf_turn *turn) {
    sensor *self = state;
    (void)tick;
    double temperature = mf_round(mf_walk_next(&self->temperature), 2);
    mf_json *reading = mf_send_json(turn, "telemetry");
    mf_put_number(reading, "temperature", temperature);
    mf_put_number(reading, "limit", self->limit);
    mf_status(turn, temperature > self->limit ? "hot" : "ok");
    return MF_OK;
}

/* A command from the backend: {"limit": 25}. */
static mf_result handle(void *state, const mf_event *event, mf_turn *turn) {
    sensor *self = state;
    if (event->kind == MF_RECEIVED && !mf_get_number(event->message.payload, "limit", &self->limit)) {
        return mf_fail(turn, "the command has no number \"limit\"");
    }
    return MF_OK;
}

const mf_behaviour mf_plugin = {
    .summary = "A room sensor: its temperature varies, and it reports when it is hot",
    .channels = MF_LIST("telemetry"),
    .statuses = MF_LIST("ok", "hot"),
    .events = MF_DOWNLINK,
    .settings = SETTINGS,
    .setting_count = sizeof(SETTINGS) / sizeof(SETTINGS[0]),
    .settings_size = sizeof(settings),
    .state_size = sizeof(sensor),
    .create = create,
    .tick = tick,
    .handle = handle,
};
