//! Connects to the first address of a host that answers.
//!
//! A host can have several addresses, and one of them may be silent. So the next address is
//! tried soon, while the earlier ones still can answer (RFC 8305).

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// The time after which the next address is tried as well, 250 ms (RFC 8305, section 5).
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// Connects to a host. The caller gives up after `limit`, so all addresses are tried before.
///
/// # Errors
/// When the name is unknown, or no address accepts the connection.
pub(crate) async fn dial(host: &str, port: u16, limit: Duration) -> io::Result<TcpStream> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return TcpStream::connect(SocketAddr::new(address, port)).await;
    }
    let addresses = tokio::net::lookup_host((host, port)).await?;
    connect(interleave(addresses.collect()), limit).await
}

/// Orders addresses so that both families are tried early.
fn interleave(addresses: Vec<SocketAddr>) -> VecDeque<SocketAddr> {
    let first_is_v6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (first, second): (Vec<_>, Vec<_>) = addresses
        .into_iter()
        .partition(|address| address.is_ipv6() == first_is_v6);
    let mut second = second.into_iter();
    let mut ordered = VecDeque::new();
    for address in first {
        ordered.push_back(address);
        ordered.extend(second.next());
    }
    ordered.extend(second);
    ordered
}

/// Connects to the first of the addresses that answers.
async fn connect(mut addresses: VecDeque<SocketAddr>, limit: Duration) -> io::Result<TcpStream> {
    if let (1, Some(address)) = (addresses.len(), addresses.front()) {
        return TcpStream::connect(address).await;
    }
    let tries = u32::try_from(addresses.len()).unwrap_or(u32::MAX);
    let delay = ATTEMPT_DELAY.min(limit / tries.saturating_add(1));
    let mut error = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
    let mut attempts = JoinSet::new();
    loop {
        if let Some(address) = addresses.pop_front() {
            attempts.spawn(TcpStream::connect(address));
        }
        let Some(next) = next(&mut attempts, delay, addresses.is_empty()).await else {
            continue;
        };
        match next {
            Ok(stream) => return Ok(stream),
            // "Refused" says more than that a family of addresses has no route.
            Err(failed) if error.kind() != io::ErrorKind::ConnectionRefused => error = failed,
            Err(_) => {}
        }
        if attempts.is_empty() && addresses.is_empty() {
            return Err(error);
        }
    }
}

/// Waits for the end of an attempt. Returns `None` when the next address is to be tried.
async fn next(
    attempts: &mut JoinSet<io::Result<TcpStream>>,
    delay: Duration,
    is_last: bool,
) -> Option<io::Result<TcpStream>> {
    let ended = match is_last {
        true => attempts.join_next().await,
        false => tokio::time::timeout(delay, attempts.join_next())
            .await
            .ok()?,
    };
    let no_attempt = || Err(io::ErrorKind::NotFound.into());
    Some(ended.map_or_else(no_attempt, |ended| {
        ended.map_err(io::Error::other).flatten()
    }))
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use tokio::net::{TcpListener, TcpSocket};

    use super::*;

    fn run(test: impl Future<Output = ()>) {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_all().build().unwrap().block_on(test);
    }

    /// Returns an address that answers nothing, with the sockets that keep it silent: its
    /// queue of connections is full.
    async fn silent() -> (SocketAddr, Vec<TcpStream>, TcpListener) {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(1).unwrap();
        let address = listener.local_addr().unwrap();
        let mut held = Vec::new();
        let wait = Duration::from_millis(100);
        while let Ok(stream) = tokio::time::timeout(wait, TcpStream::connect(address)).await {
            held.push(stream.unwrap());
        }
        (address, held, listener)
    }

    #[test]
    fn silent_first_address_uses_up_no_timeout() {
        run(async {
            let (silent, _held, _listener) = silent().await;
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let good = listener.local_addr().unwrap();
            for (limit, most) in [(10_000, 2_000), (300, 250)] {
                let began = Instant::now();
                let limit = Duration::from_millis(limit);
                let opened = connect(VecDeque::from([silent, good]), limit).await;
                assert_eq!(opened.unwrap().peer_addr().unwrap(), good);
                let most = Duration::from_millis(most);
                assert!(began.elapsed() < most, "{:?}", began.elapsed());
            }
        });
    }

    #[test]
    fn refused_address_is_followed_by_the_next_at_once() {
        run(async {
            let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let refused = closed.local_addr().unwrap();
            drop(closed);
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let good = listener.local_addr().unwrap();
            let limit = Duration::from_secs(10);
            assert!(
                connect(VecDeque::from([refused, good]), limit)
                    .await
                    .is_ok()
            );
            let error = connect(VecDeque::from([refused, refused]), limit).await;
            assert_eq!(error.unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
            let none = connect(VecDeque::new(), limit).await;
            assert_eq!(none.unwrap_err().kind(), io::ErrorKind::NotFound);
        });
    }

    #[test]
    fn families_of_addresses_alternate() {
        let parse = |text: &str| text.parse::<SocketAddr>().unwrap();
        let (v6, v4) = (
            ["[::1]:1", "[::2]:1"].map(parse),
            ["1.1.1.1:1", "1.1.1.2:1"].map(parse),
        );
        let ordered = interleave(vec![v6[0], v6[1], v4[0], v4[1]]);
        assert_eq!(ordered, [v6[0], v4[0], v6[1], v4[1]]);
        assert_eq!(interleave(vec![v4[0], v4[1]]), [v4[0], v4[1]]);
    }
}
