//! Template archives: packing a folder and reading one back behind a guard.
