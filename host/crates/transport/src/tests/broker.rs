//! Plays an MQTT 3.1.1 broker, by a script of the test.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use bytes::BytesMut;
use rumqttc::{
    ConnAck, ConnectReturnCode, Packet, PingResp, PubAck, PubComp, PubRec, Publish, QoS, SubAck,
    SubscribeReasonCode,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// The broker's reaction to a packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reaction {
    /// The answer of the standard.
    Answer,
    /// The answer of the standard, and a message of this topic.
    AnswerAndPublish(&'static str),
    /// The answer of the standard, and these bytes.
    AnswerAndSend(Vec<u8>),
    /// SUBACK that refuses the filters that end in an odd digit.
    RefuseOdd,
    Silence,
    HangUp,
}

/// A broker that notes the packets that it receives, with the number of their connection.
#[derive(Clone, Default)]
pub(crate) struct Broker {
    packets: Rc<RefCell<Vec<(usize, Packet)>>>,
    connections: Rc<Cell<usize>>,
    life: Rc<RefCell<Option<TimeLimit>>>,
}

/// The time after which some connections end, and whether one does, by its number.
type TimeLimit = (Duration, Box<dyn Fn(usize) -> bool>);

impl Broker {
    /// Serves connections on a free port, which it returns. `has_session` tells by the
    /// number of a connection whether the broker has its session; `react` decides on each
    /// packet after CONNECT.
    pub(crate) async fn start(
        &self,
        has_session: impl Fn(usize) -> bool + 'static,
        react: impl FnMut(usize, &Packet) -> Reaction + 'static,
    ) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let packets = Rc::clone(&self.packets);
        let (connections, life) = (Rc::clone(&self.connections), Rc::clone(&self.life));
        let react = Rc::new(RefCell::new(react));
        tokio::task::spawn_local(async move {
            for number in 0.. {
                let (socket, _) = listener.accept().await.unwrap();
                let (packets, react) = (Rc::clone(&packets), Rc::clone(&react));
                let has_session = has_session(number);
                connections.set(number + 1);
                let limit = life
                    .borrow()
                    .as_ref()
                    .and_then(|(after, ends)| ends(number).then_some(*after));
                tokio::task::spawn_local(async move {
                    let served = serve(socket, has_session, |packet| {
                        packets.borrow_mut().push((number, packet.clone()));
                        react.borrow_mut()(number, packet)
                    });
                    let limit = limit.unwrap_or(Duration::from_secs(3600));
                    let _ = tokio::time::timeout(limit, served).await;
                });
            }
        });
        port
    }

    /// Ends connections after a time, as for another client with their client id.
    pub(crate) fn end_after(&self, life: Duration, ends: impl Fn(usize) -> bool + 'static) {
        *self.life.borrow_mut() = Some((life, Box::new(ends)));
    }

    /// Returns the number of connections so far.
    pub(crate) fn connections(&self) -> usize {
        self.connections.get()
    }

    /// Returns the packets so far without CONNECT and pings of keep-alive.
    pub(crate) fn packets(&self) -> Vec<(usize, Packet)> {
        self.packets.borrow().clone()
    }

    /// Returns the messages so far: connection, last level of the topic, DUP flag.
    pub(crate) fn messages(&self) -> Vec<(usize, String, bool)> {
        let packets = self.packets.borrow();
        let messages = packets.iter().filter_map(|(number, packet)| match packet {
            Packet::Publish(publish) => {
                let topic = publish.topic.rsplit('/').next().unwrap_or_default();
                Some((*number, topic.to_owned(), publish.dup))
            }
            _ => None,
        });
        messages.collect()
    }
}

async fn serve(
    mut socket: TcpStream,
    has_session: bool,
    mut react: impl FnMut(&Packet) -> Reaction,
) {
    let mut input = BytesMut::new();
    let mut out = BytesMut::new();
    loop {
        match Packet::read(&mut input, usize::MAX) {
            Ok(Packet::Connect(_)) => {
                ConnAck::new(ConnectReturnCode::Success, has_session)
                    .write(&mut out)
                    .unwrap();
            }
            Ok(packet) => {
                let reaction = react(&packet);
                if reaction == Reaction::HangUp {
                    return;
                }
                if reaction != Reaction::Silence {
                    answer(&packet, reaction == Reaction::RefuseOdd, &mut out);
                }
                match reaction {
                    Reaction::AnswerAndPublish(topic) => {
                        Publish::new(topic, QoS::AtMostOnce, "x")
                            .write(&mut out)
                            .unwrap();
                    }
                    Reaction::AnswerAndSend(bytes) => out.extend_from_slice(&bytes),
                    _ => {}
                }
            }
            // A broker with a limit of a million bytes.
            Err(_) if input.len() > 1_000_000 => return,
            Err(_) => {
                if socket.write_all(&out).await.is_err() {
                    return;
                }
                out.clear();
                match socket.read_buf(&mut input).await {
                    Ok(0) | Err(_) => return,
                    Ok(_) => {}
                }
            }
        }
    }
}

fn answer(packet: &Packet, refuse_odd: bool, out: &mut BytesMut) {
    let written = match packet {
        Packet::Publish(publish) => match publish.qos {
            QoS::AtMostOnce => return,
            QoS::AtLeastOnce => PubAck::new(publish.pkid).write(out),
            QoS::ExactlyOnce => PubRec::new(publish.pkid).write(out),
        },
        Packet::PubRel(release) => PubComp::new(release.pkid).write(out),
        Packet::Subscribe(subscribe) => {
            let codes = subscribe.filters.iter().map(|filter| {
                match refuse_odd && filter.path.ends_with(['1', '3']) {
                    true => SubscribeReasonCode::Failure,
                    false => SubscribeReasonCode::Success(filter.qos),
                }
            });
            SubAck::new(subscribe.pkid, codes.collect()).write(out)
        }
        Packet::PingReq => PingResp.write(out),
        _ => return,
    };
    written.unwrap();
}
