//! Analytics: facts from the store, counted by the core.

use crate::core::analytics::{Asked, Report, Span, report, timeliness};
use crate::core::directory::Directory;
use crate::core::time::Time;
use crate::store::{Store, StoreFault};

/// What past incidents measure, for any door.
///
/// # Errors
/// When the store cannot be read.
pub async fn counted(
    store: &Store,
    directory: &Directory,
    asked: &Asked,
    now: Time,
) -> Result<Report, StoreFault> {
    let span = asked.span();
    let both = Span {
        from: asked.before().from,
        until: span.until,
    };
    let facts = store.facts(both).await?;
    let written = store.written_in(span).await?;
    let ledger = timeliness(&written, now, asked.zone);
    Ok(report(directory, asked, &facts, ledger))
}
