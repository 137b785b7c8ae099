//! Rows under attack, scored.

use std::path::Path;

use super::super::error::Hint as _;
use super::super::output;
use super::judge::Judge;
use crate::config;
use crate::dataset::Row;
use crate::dataset::attack::{Attack, attack_rows};
use crate::domain::Limits;
use crate::eval::{Attacked, Contender};
use crate::scoring;
use crate::signals::Knowledge;

/// What is known of brands and wording: of the folder `dir`, or of the model that the settings
/// name.
pub(super) fn knowledge(
    dir: Option<&Path>,
    settings: &config::Scoring,
) -> anyhow::Result<Knowledge> {
    let hint = "--knowledge DIR names a folder with lexicon.toml, brands.toml and teencode.toml";
    let located = dir.map_or_else(|| scoring::locate(settings), |dir| Ok(dir.to_owned()));
    Knowledge::load(&located.hint(hint)?).hint(hint)
}

/// Attacks, and what they are made with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Attacks<'a> {
    pub(super) kinds: &'a [Attack],
    pub(super) knowledge: &'a Knowledge,
    pub(super) seed: u64,
}

impl Attacks<'_> {
    /// `judge`'s scores of `rows` under each attack; rows that an attack leaves alone keep
    /// `clean`'s.
    pub(super) fn score(
        self,
        judge: &Judge,
        rows: &[Row],
        clean: &Contender,
    ) -> anyhow::Result<Vec<Attacked>> {
        let limits = Limits::default();
        let bar = output::progress(Some(self.kinds.len() as u64), "attacks");
        let mut out = Vec::with_capacity(self.kinds.len());
        for kind in self.kinds.iter().copied() {
            let attacked = attack_rows(kind, rows, self.knowledge, self.seed);
            let changed = attacked.iter().flatten().count();
            let listings = attacked.iter().flatten().map(|raw| raw.clone().parse(&limits));
            let listings = listings.collect::<Result<Vec<_>, _>>()?;
            let mut anew = judge.scores(&listings.iter().collect::<Vec<_>>()).into_iter();
            let scores = attacked.iter().zip(&clean.scores).map(|(listing, clean)| {
                let score = listing.as_ref().and_then(|_| anew.next());
                score.map_or(*clean, |(score, _)| score)
            });
            out.push(Attacked {
                name: kind.as_str().to_owned(),
                held_out: !kind.trained(),
                sort: kind.sort(),
                changed,
                scores: scores.collect(),
            });
            bar.inc(1);
        }
        bar.finish_and_clear();
        Ok(out)
    }
}
