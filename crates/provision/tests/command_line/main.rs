//! The engine against the local AWS in this process, with time that is paused and runs ahead: every call, every fault.
//!
//! `PROVISION_FAULTS` chooses how much: a sample without it, `all`, or one case by its name, as a failure prints it.

mod application;
mod busy;
mod ci;
mod defaults;
mod deployments;
mod doctor;
mod drift;
mod endpoint;
mod ends;
mod environments;
mod errors;
mod fault;
mod foreign;
mod foreign_parts;
mod graph;
mod kinds;
mod lag;
mod local;
mod manual;
mod matrix;
mod pages;
mod polite;
mod properties;
mod quotas;
mod races;
mod record;
mod rights;
mod rotation;
mod saved;
mod schema;
mod secrets;
mod seen;
mod selection;
mod settings;
mod telling;
mod transcripts;
mod undeclared;
mod workflow;
mod world;
