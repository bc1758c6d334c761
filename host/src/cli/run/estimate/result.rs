//! Holds an estimate with the terms it rests on.

use mockfleet_config::{Fleet, Prices, Rate};

use crate::forecast::bill::BillingTerms;
use crate::forecast::figures::Forecast;

/// Months whose bills are shown: the first, and one with a grown log.
pub(crate) const MONTHS: [u32; 2] = [1, 12];

/// The estimate of a fleet.
pub(crate) struct Estimate {
    pub(crate) fleet: Fleet,
    pub(crate) forecast: Forecast,
    pub(crate) prices: Prices,
    pub(crate) terms: BillingTerms,
    /// The rate assumed for groups with rate = "max", and their names.
    pub(crate) assumed: Option<(Rate, Vec<String>)>,
}
