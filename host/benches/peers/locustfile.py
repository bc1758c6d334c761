"""Devices for Locust: its own MQTT user publishes one constant payload, flat out or
once a second. Told by the environment, since Locust has its command line to itself."""

import os
import random

from locust import constant_pacing, task
from locust.contrib.mqtt import MqttUser

PAYLOAD = b"x" * 256
QOS = int(os.environ["BENCH_QOS"])
FLAT_OUT = os.environ["BENCH_PACE"] == "max"


class Device(MqttUser):
    host = "127.0.0.1"
    port = int(os.environ["BENCH_PORT"])
    wait_time = constant_pacing(0 if FLAT_OUT else 1)

    def __init__(self, environment):
        self.client_id = f"locust-{os.getpid()}-{random.getrandbits(48):x}"
        super().__init__(environment)
        self.topic = f"bench/{self.client_id}"

    @task
    def publish(self):
        info = self.client.publish(self.topic, PAYLOAD, qos=QOS)
        if FLAT_OUT and QOS > 0:
            info.wait_for_publish(10)
