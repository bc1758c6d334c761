"""Subscribes to a broker with paho, an implementation other than mockfleet's."""

import threading
from collections import defaultdict

import paho.mqtt.client as mqtt

from support.wait import PATIENCE


class Subscriber:
    """Receives a topic filter until it is closed."""

    def __init__(self, broker, filter="#", *, qos=2):
        self.changed = threading.Condition()
        self.messages = []
        self.ready = threading.Event()
        self.client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
        # Acknowledged or not, everything comes.
        self.client.max_inflight_messages_set(65_535)
        self.client.on_connect = lambda client, *_: client.subscribe(filter, qos)
        self.client.on_subscribe = lambda *_: self.ready.set()
        self.client.on_message = self.take
        self.client.connect("127.0.0.1", broker.back_door)
        self.client.loop_start()
        assert self.ready.wait(PATIENCE), f"no subscription to {filter}"

    def take(self, _client, _data, message):
        with self.changed:
            self.messages.append(message)
            self.changed.notify_all()

    def wait_for(self, count):
        """Waits until `count` messages have arrived, and returns all of them."""
        with self.changed:
            came = self.changed.wait_for(lambda: len(self.messages) >= count, PATIENCE)
            assert came, f"{len(self.messages)} messages came, {count} were waited for"
            return list(self.messages)

    def by_topic(self):
        """The payloads of each topic, in the order in which they came."""
        payloads = defaultdict(list)
        with self.changed:
            for message in self.messages:
                payloads[message.topic].append(message.payload)
        return dict(payloads)

    def publish(self, topic, payload, *, qos=1):
        """Sends a message, as a backend does."""
        self.client.publish(topic, payload, qos=qos).wait_for_publish(PATIENCE)

    def close(self):
        self.client.disconnect()
        self.client.loop_stop()
