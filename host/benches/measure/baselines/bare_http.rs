//! Measures an HTTP load without a fleet: reqwest calls with one constant body.
//!
//! Each device is a task, which sends its next request after the response to the previous one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::measure::option;

/// Sends requests flat out until the time is over.
pub(super) fn requests() {
    let (devices, seconds) = (option("--devices", 100, 100), option("--seconds", 10, 10));
    let port = option("--port", 80, 80);
    // reqwest with these features requires a cryptography provider, even for plain HTTP.
    let provider = rustls::crypto::ring::default_provider();
    provider.install_default().expect("the first one");
    let workers = usize::try_from(option("--workers", 2, 2)).expect("a few");
    let answered = Arc::new(AtomicU64::new(0));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(workers)
        .enable_all()
        .build();
    let began = Instant::now();
    runtime.expect("a runtime").block_on(async {
        let client = reqwest::Client::builder()
            .http1_only()
            .no_proxy()
            .build()
            .expect("a client");
        let end = began + Duration::from_secs(seconds.into());
        let tasks: Vec<_> = (0..devices)
            .map(|n| {
                let url = format!("http://127.0.0.1:{port}/devices/bare-{n:05}/telemetry");
                let (client, answered) = (client.clone(), Arc::clone(&answered));
                tokio::spawn(async move {
                    let body = "x".repeat(256);
                    while Instant::now() < end {
                        let request = client
                            .post(&url)
                            .header("content-type", "application/json")
                            .body(body.clone());
                        let answer = request.send().await.expect("an answer");
                        assert_eq!(answer.status().as_u16(), 204);
                        // Read to its end, so that the connection is reused.
                        answer.bytes().await.expect("an answer");
                        answered.fetch_add(1, Ordering::Relaxed);
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.expect("its loop ran");
        }
    });
    println!(
        "{}",
        json!({
            "seconds": began.elapsed().as_secs_f64(),
            "answered": answered.load(Ordering::Relaxed),
        })
    );
}
