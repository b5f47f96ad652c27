//! Alerts in: one file per wire format, each a pure function from a request to normalised alerts.
