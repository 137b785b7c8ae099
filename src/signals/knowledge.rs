use std::fs;
use std::path::{Path, PathBuf};

use super::brands::{Brands, BrandsError};
use super::lexicon::{Lexicon, LexiconError};
use super::phrases::{Interner, WordId};
use crate::preprocess::text::{Normalizer, Teencode, TeencodeError, Text, Vocabulary};

/// The files that make up the knowledge, in a folder of their own or in a model's.
pub const FILES: [&str; 3] = ["lexicon.toml", "brands.toml", "teencode.toml"];

/// Everything that is known before a listing is read: wording, brands, short forms.
#[derive(Debug)]
pub struct Knowledge {
    lexicon: Lexicon,
    brands: Brands,
    normalizer: Normalizer,
    interner: Interner,
}

/// The knowledge cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KnowledgeError {
    #[error("{}: {source}", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error(transparent)]
    Lexicon(#[from] LexiconError),
    #[error(transparent)]
    Brands(#[from] BrandsError),
    #[error(transparent)]
    Teencode(#[from] TeencodeError),
}

impl Knowledge {
    /// Reads the [`FILES`] of a folder.
    ///
    /// # Errors
    /// When a file is missing or says something that cannot be.
    pub fn load(dir: &Path) -> Result<Self, KnowledgeError> {
        let [lexicon, brands, teencode] = FILES.map(|name| {
            let path = dir.join(name);
            fs::read_to_string(&path).map_err(|source| KnowledgeError::Read { path, source })
        });
        Self::parse(&lexicon?, &brands?, &teencode?)
    }

    /// Reads the texts of the [`FILES`].
    ///
    /// # Errors
    /// When one says something that cannot be.
    pub fn parse(lexicon: &str, brands: &str, teencode: &str) -> Result<Self, KnowledgeError> {
        let teencode = Teencode::parse(teencode)?;
        let mut interner = Interner::default();
        let mut vocabulary = Vocabulary::default();
        // Terms are normalised as listings are, but for the restoring that they make possible.
        let bare = Normalizer::new(teencode.clone(), Vocabulary::default());
        let brands = Brands::parse(brands, &bare, &mut interner, &mut vocabulary)?;
        let lexicon = Lexicon::parse(lexicon, &bare, &mut interner, &mut vocabulary)?;
        let normalizer = Normalizer::new(teencode, vocabulary);
        Ok(Self { lexicon, brands, normalizer, interner })
    }

    pub fn lexicon(&self) -> &Lexicon {
        &self.lexicon
    }

    pub fn brands(&self) -> &Brands {
        &self.brands
    }

    pub fn normalizer(&self) -> &Normalizer {
        &self.normalizer
    }

    pub(super) fn word_ids(&self, text: &Text) -> Vec<WordId> {
        self.interner.ids_of(text)
    }
}
