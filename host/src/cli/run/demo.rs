//! `mockfleet demo`: runs a fleet with a built-in broker.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Context as _;
use rumqttd::{Broker, Config, ConnectionSettings, Notification, RouterConfig, ServerSettings};

use crate::cli::support::exit::Ending;
use crate::cli::support::exit::Failure;
use crate::cli::support::fleet_run::CommandOptions;
use crate::cli::support::fleet_run::ending;
use crate::cli::support::fleet_run::run_fleet;
use crate::cli::ui::out::err;
use crate::cli::ui::out::out;
use mockfleet_config::{Fleet, Override, Problems, Store};
use mockfleet_metrics::plural;

/// Runs a thousand thermometers with a built-in broker, and queries the log.
///
/// The broker listens on a free port of this machine, and the plugin is built in.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Number of thermometers.
    #[arg(long, value_name = "N", default_value_t = 1000)]
    devices: u32,
    /// Duration of the run: 10s, 1m.
    #[arg(long, value_name = "TIME", default_value = "10s")]
    duration: String,
    /// The send log: a folder, or s3://bucket/prefix.
    #[arg(long, value_name = "URL", default_value = "mockfleet-logs")]
    log: String,
}

/// The fleet file of the demo.
const FLEET: &str = include_str!("demo.toml");

pub(crate) fn demo(arguments: &Arguments) -> Result<Ending, Failure> {
    let (port, received) = start_broker()?;
    let option = |shown: &str, path: &[&str], value: String| Override {
        shown: shown.to_owned(),
        path: path.iter().map(|key| (*key).to_owned()).collect(),
        value,
    };
    let overrides = [
        option(
            "--devices",
            &["groups", "thermometer", "count"],
            arguments.devices.to_string(),
        ),
        option("--duration", &["duration"], arguments.duration.clone()),
        option("--log", &["log", "store"], arguments.log.clone()),
        option(
            "demo",
            &["targets", "broker", "url"],
            format!("mqtt://127.0.0.1:{port}"),
        ),
    ];
    let fleet =
        Fleet::parse(FLEET, "demo.toml", Path::new("."), &overrides).map_err(Problems::from)?;
    let store = fleet.plan.log.store.clone();
    err!(
        "demo: {}, one message a second each, for {}, to a broker inside this process (port {port})",
        plural(arguments.devices, "thermometer"),
        arguments.duration
    );
    let (summary, interrupted) = run_fleet(Ok(fleet), CommandOptions::new("demo"))?;
    out!("{}", summary.text());
    out!(
        "The broker counted       {} received",
        plural(received.load(Ordering::Relaxed), "message")
    );
    if let Some(store) = store.filter(|_| summary.log.error.is_none() && summary.log.rows > 0) {
        out!();
        answer(&store, &summary.run)?;
    }
    Ok(ending(&summary, interrupted))
}

/// Reads the log, and prints the query of the result.
fn answer(store: &Store, run: &str) -> Result<(), Failure> {
    let rows = mockfleet_sendlog::outcome_counts(store, run, mockfleet_sendlog::FIRST_QUERY_ROWS)
        // The text of the error has its causes: a source would be printed twice.
        .map_err(anyhow::Error::msg)
        .context("the log cannot be read back")?;
    out!("The log, read back from its Parquet files:");
    out!("{}", mockfleet_sendlog::outcome_table(&rows));
    out!();
    out!("The same in DuckDB (`pip install duckdb-cli`, or https://duckdb.org):");
    out!("{}", mockfleet_sendlog::first_query(store, run));
    Ok(())
}

/// Starts a broker on a free port of the loopback interface. It ends with the process. Returns
/// its port and its own count of messages.
fn start_broker() -> anyhow::Result<(u16, Arc<AtomicU64>)> {
    let listen = free_port()?;
    let mut broker = Broker::new(config(listen));
    let (mut commands, mut messages) = broker
        .link("mockfleet-demo-count")
        .context("the built-in broker does not answer")?;
    std::thread::Builder::new()
        .name("broker".into())
        .spawn(move || {
            if let Err(error) = broker.start() {
                err!("the built-in broker stopped: {error}");
            }
        })?;
    commands
        .subscribe("#")
        .context("the built-in broker takes no subscription")?;
    let received = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&received);
    std::thread::Builder::new()
        .name("broker-count".into())
        .spawn(move || {
            while let Ok(notification) = messages.recv() {
                if matches!(notification, Some(Notification::Forward(_))) {
                    counter.fetch_add(1, Ordering::Relaxed);
                }
            }
        })?;
    Ok((listen.port(), received))
}

/// Finds a free port. The broker takes an address and no socket, so another process could take
/// the port first.
fn free_port() -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .context("no free port on 127.0.0.1; end a program that holds many, and try again")?;
    listener
        .local_addr()
        .context("no free port on 127.0.0.1; end a program that holds many, and try again")
}

fn config(listen: SocketAddr) -> Config {
    let server = ServerSettings {
        name: "demo".into(),
        listen,
        tls: None,
        next_connection_delay_ms: 0,
        connections: ConnectionSettings {
            connection_timeout_ms: 10_000,
            max_payload_size: 1 << 20,
            max_inflight_count: 200,
            auth: None,
            external_auth: None,
            dynamic_filters: true,
        },
    };
    Config {
        id: 0,
        router: RouterConfig {
            max_connections: 1_000_000,
            max_outgoing_packet_count: 200,
            max_segment_size: 1 << 20,
            max_segment_count: 10,
            ..RouterConfig::default()
        },
        v4: Some([("1".to_owned(), server)].into()),
        ..Config::default()
    }
}
