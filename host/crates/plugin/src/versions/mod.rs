//! Supports each version of the contract, behind one inner form.
//!
//! The inner form is the types of the newest version. The rest of the host uses no others.

pub(crate) mod behaviour;
pub(crate) mod contract;
pub(crate) mod instance;
mod v0_1_0;
