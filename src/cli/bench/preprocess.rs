use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};

use super::super::model::Wanted;
use super::{Case, Measured, Opts, Variant, photo, pipeline};
use crate::config;
use crate::domain::Listing;
use crate::preprocess::picture::{ENCODER_SIDE, ENCODER_WANT, PictureLimits, Want, decode, squash};
use crate::preprocess::{Pieces, Pool, map_batch};
use crate::registry::TOKENIZER;
use crate::scoring;
use crate::signals::Knowledge;

const CASES: [&str; 4] = ["decode_resize", "decode", "resize", "normalise_tokenise"];
/// Unmeasured rounds before the measured ones.
const WARM: usize = 3;
/// Pictures for each thread, where there are several.
const SHARE: usize = 8;

/// Measures what comes before the models.
pub(super) fn run(
    opts: &Opts,
    pool: &Pool,
    tell: &mut dyn FnMut(&Measured) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let cases: Vec<&str> = match opts.cases.as_slice() {
        [] => CASES.to_vec(),
        given => given.iter().map(String::as_str).collect(),
    };
    let jpeg = match &opts.jpeg {
        _ if cases == ["normalise_tokenise"] => Vec::new(),
        Some(path) => fs::read(path).with_context(|| format!("can't read {}", path.display()))?,
        None => photo::photo()?,
    };
    for case in cases {
        match case {
            "decode_resize" | "decode" | "resize" => pictures(opts, pool, case, &jpeg, tell)?,
            "normalise_tokenise" => tell(&texts(opts, pool)?)?,
            _ => bail!("--cases: {case:?} is none of {}", CASES.join(", ")),
        }
    }
    Ok(())
}

fn pictures(
    opts: &Opts,
    pool: &Pool,
    case: &str,
    jpeg: &[u8],
    tell: &mut dyn FnMut(&Measured) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let both = [Variant::Part, Variant::Full];
    let variants = if opts.variant.is_empty() { &both[..] } else { &opts.variant };
    let limits = PictureLimits::default();
    let width = decode(jpeg, &limits, Want::Full)?.width;
    for variant in variants.iter().copied() {
        let want = match variant {
            Variant::Part => ENCODER_WANT,
            Variant::Full => Want::Full,
            Variant::F32 | Variant::Int8 | Variant::Parsed | Variant::Json | Variant::Words => {
                bail!("--variant: a picture is decoded in part or full")
            }
        };
        let decoded = decode(jpeg, &limits, want)?;
        let items = if opts.threads == 1 { 1 } else { SHARE * opts.threads };
        let job = |_: &usize| -> anyhow::Result<usize> {
            let picture = match case {
                "decode" => decode(jpeg, &limits, want)?,
                "resize" => squash(&decoded)?,
                _ => squash(&decode(jpeg, &limits, want)?)?,
            };
            Ok(picture.rgb.len())
        };
        let all: Vec<usize> = (0..items).collect();
        let times = pool.run(|| measure(opts.repeat, || sum(&all, job)))?;
        let name = match case {
            "decode" => format!("jpeg{width}_decode"),
            "resize" => format!("jpeg{width}_resize{ENCODER_SIDE}"),
            _ => format!("jpeg{width}_decode_resize{ENCODER_SIDE}"),
        };
        tell(&Measured::new(Case { name, variant, threads: opts.threads, items }, &times))?;
    }
    Ok(())
}

/// Titles and descriptions to ids, with what the model knows.
fn texts(opts: &Opts, pool: &Pool) -> anyhow::Result<Measured> {
    let settings = config::load(None)?;
    let wanted = Wanted::new(settings.scoring, opts.model.as_deref(), opts.tier);
    let dir = scoring::locate(&wanted.scoring)?;
    let knowledge = Knowledge::load(&dir)?;
    let pieces = Pieces::parse(&fs::read(dir.join(TOKENIZER))?)?;
    let listings = pipeline::listings(opts)?;
    let mut texts = Vec::new();
    for line in listings.lines().filter(|line| !line.trim().is_empty()) {
        let listing = Listing::from_json(line.as_bytes(), &settings.limits)?;
        texts.push(format!("{} {}", listing.title(), listing.description().unwrap_or_default()));
    }
    ensure!(!texts.is_empty(), "no listings to measure with");
    let job = |text: &String| -> anyhow::Result<usize> {
        let text = knowledge.normalizer().normalize(text);
        Ok(text.words().iter().map(|word| pieces.of_word(text.plain_word(word)).len()).sum())
    };
    let times = pool.run(|| measure(opts.repeat, || sum(&texts, job)))?;
    let case = Case {
        name: "normalise_tokenise".to_owned(),
        variant: Variant::Words,
        threads: opts.threads,
        items: texts.len(),
    };
    Ok(Measured::new(case, &times))
}

fn sum<T: Sync>(
    items: &[T],
    job: impl Fn(&T) -> anyhow::Result<usize> + Sync + Send,
) -> anyhow::Result<usize> {
    map_batch(items, job).into_iter().sum()
}

fn measure(
    repeat: usize,
    mut work: impl FnMut() -> anyhow::Result<usize>,
) -> anyhow::Result<Vec<Duration>> {
    let mut times = Vec::with_capacity(repeat);
    for round in 0..WARM + repeat {
        let start = Instant::now();
        let made = work()?;
        let time = start.elapsed();
        ensure!(made > 0, "nothing came out");
        if round >= WARM {
            times.push(time);
        }
    }
    Ok(times)
}
