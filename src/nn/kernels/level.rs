use std::fmt;
use std::str::FromStr;

/// Which instructions the kernels use.
///
/// One that the machine lacks can't be made, so holding one is the proof that its kernels may be
/// called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Level(Set);

/// Sets of instructions, each with all of those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Set {
    Plain,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(target_arch = "x86_64")]
    Vnni,
}

/// This machine has no such instructions, or there are none of that name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no instructions {name:?} here; there are {}", .here.join(", "))]
pub struct NoSuchLevel {
    name: String,
    here: Vec<String>,
}

impl Level {
    /// Instructions that every machine has.
    pub const PLAIN: Self = Self(Set::Plain);

    /// All that this machine has, the slowest first.
    pub fn here() -> Vec<Self> {
        #[cfg_attr(not(target_arch = "x86_64"), expect(unused_mut, reason = "grows on x86-64"))]
        let mut all = vec![Self::PLAIN];
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            all.push(Self(Set::Avx2));
            if is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512vl")
            {
                all.push(Self(Set::Avx512));
                if is_x86_feature_detected!("avx512vnni") {
                    all.push(Self(Set::Vnni));
                }
            }
        }
        all
    }

    /// The fastest that this machine has.
    pub fn best() -> Self {
        Self::here().pop().unwrap_or(Self::PLAIN)
    }

    pub(super) fn set(self) -> Set {
        self.0
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Set::Plain => "plain",
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 => "avx512",
            #[cfg(target_arch = "x86_64")]
            Set::Vnni => "vnni",
        })
    }
}

impl FromStr for Level {
    type Err = NoSuchLevel;

    /// `auto` is the fastest of this machine.
    fn from_str(name: &str) -> Result<Self, Self::Err> {
        if name == "auto" {
            return Ok(Self::best());
        }
        Self::here().into_iter().find(|level| level.to_string() == name).ok_or_else(|| {
            NoSuchLevel {
                name: name.to_owned(),
                here: Self::here().iter().map(ToString::to_string).collect(),
            }
        })
    }
}
