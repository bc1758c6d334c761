#include <mockfleet_testing.h>

MF_TEST(sensor_with_a_lower_limit_becomes_hot) {
    mf_trial *sensor = mf_trial_new("{\"base\": 21, \"limit\": 30}");
    mf_trial_ticks(sensor, 1);
    MF_EXPECT_TEXT(mf_trial_sent(sensor, "telemetry", 0), "{\"temperature\":21.0,\"limit\":30.0}");
    MF_EXPECT_TEXT(mf_trial_status(sensor), "ok");

    mf_trial_receive(sensor, "command", "{\"limit\": 10}");
    mf_trial_ticks(sensor, 1);
    MF_EXPECT_TEXT(mf_trial_status(sensor), "hot");
}
