//! Serves connections, and tells its counts.

use std::io::BufRead;

use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};

/// Prints a free port and serves it with this number of threads, until standard input ends. Prints
/// the counts for each line of standard input.
pub(super) fn serve<S: Future<Output = ()> + Send + 'static>(
    threads: u32,
    counts: impl Fn() -> Value + Send + 'static,
    connection: impl Fn(TcpStream) -> S,
) {
    crate::measure::raise_open_files();
    std::thread::spawn(move || {
        for _ in std::io::stdin().lock().lines() {
            println!("{}", counts());
        }
        std::process::exit(0);
    });
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(usize::try_from(threads).expect("a few"))
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        println!("{}", listener.local_addr().expect("a port").port());
        loop {
            if let Ok((stream, _)) = listener.accept().await {
                let _ = stream.set_nodelay(true);
                tokio::spawn(connection(stream));
            }
        }
    });
}
