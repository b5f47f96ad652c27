//! The formats a document can be had in: each a pure function of the document.

use super::{Postmortem, Template, confluence, csv, html, json, layout, markdown_of, transcript};

/// A format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Markdown with tables.
    Markdown,
    /// One HTML file.
    Html,
    /// The whole document for programs, and for `firebell import`.
    Json,
    /// The timeline as a sheet.
    Csv,
    /// Confluence's storage format.
    Confluence,
    /// The conversation alone, as plain text.
    Transcript,
}

impl Format {
    /// Every one.
    pub const ALL: [Format; 6] = [
        Format::Markdown,
        Format::Html,
        Format::Json,
        Format::Csv,
        Format::Confluence,
        Format::Transcript,
    ];

    /// One word for commands and addresses.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Format::Markdown => "markdown",
            Format::Html => "html",
            Format::Json => "json",
            Format::Csv => "csv",
            Format::Confluence => "confluence",
            Format::Transcript => "transcript",
        }
    }

    /// For buttons.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Format::Markdown => "Markdown",
            Format::Html => "HTML",
            Format::Json => "JSON",
            Format::Csv => "CSV",
            Format::Confluence => "Confluence",
            Format::Transcript => "Transcript",
        }
    }

    /// What a file of it ends with.
    #[must_use]
    pub fn ending(self) -> &'static str {
        match self {
            Format::Markdown => "md",
            Format::Html => "html",
            Format::Json => "json",
            Format::Csv => "csv",
            Format::Confluence => "xhtml",
            Format::Transcript => "txt",
        }
    }

    /// Media type.
    #[must_use]
    pub fn media(self) -> &'static str {
        match self {
            Format::Markdown => "text/markdown; charset=utf-8",
            Format::Html => "text/html; charset=utf-8",
            Format::Json => "application/json",
            Format::Csv => "text/csv; charset=utf-8; header=present",
            // Not XHTML: a browser is to save it, not to show it.
            Format::Confluence | Format::Transcript => "text/plain; charset=utf-8",
        }
    }

    /// Reads [`Format::word`] or [`Format::ending`].
    #[must_use]
    pub fn parse(word: &str) -> Option<Format> {
        Format::ALL
            .into_iter()
            .find(|f| f.word() == word || f.ending() == word)
    }
}

/// The document in a format.
#[must_use]
pub fn export(p: &Postmortem, template: &Template, format: Format) -> String {
    match format {
        Format::Markdown => markdown_of(&layout(p, template)),
        Format::Html => html(&layout(p, template), "en"),
        Format::Json => json(p),
        Format::Csv => csv(p),
        Format::Confluence => confluence(&layout(p, template)),
        Format::Transcript => transcript(p),
    }
}
