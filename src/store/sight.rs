//! What must not be seen is left out by the database, so that no page of a list has gaps.

use super::backend::{Backend, Cell};
use super::select::Select;
use crate::core::sight::Sight;

/// Leaves out what must not be seen. `open` ends before the list of hidden incidents, such as
/// `incident not in `; `close` is what stands behind it.
pub(super) fn seen<B: Backend>(
    select: Select<B>,
    sight: &Sight,
    open: &'static str,
    close: &'static str,
) -> Select<B> {
    if *sight == Sight::All {
        return select;
    }
    let mut select = select
        .only(open)
        .then("(select id from incidents where private = 1");
    if let Sight::Of { key, types } = sight {
        select = select
            .then(" and viewers not like ")
            .bind(Cell::Owned(holding(key)))
            .then(" escape '!'");
        for id in types {
            select = select
                .then(" and coalesce(type, '') <> ")
                .bind(Cell::Owned(id.clone()));
        }
    }
    select.then(")").then(close)
}

/// Any list of viewers with this one in it.
fn holding(key: &str) -> String {
    let mut pattern = String::from("%\n");
    for c in key.chars() {
        if matches!(c, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(c);
    }
    pattern.push_str("\n%");
    pattern
}
