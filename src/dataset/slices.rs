/// A slice of the gold set: what makes its rows hard or easy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownSlice {
    pub name: &'static str,
    /// The label of all its rows.
    pub label: bool,
    /// Whether a keyword list would get it wrong, or nearly so.
    pub hard: bool,
}

const fn slice(name: &'static str, label: bool, hard: bool) -> KnownSlice {
    KnownSlice { name, label, hard }
}

/// The slices that a row may name.
pub const KNOWN_SLICES: &[KnownSlice] = &[
    // Counterfeit.
    slice("open_terms", true, false),
    slice("evasive_spelling", true, true),
    slice("evasive_hint", true, true),
    slice("false_authenticity", true, true),
    slice("silent_price", true, true),
    slice("fake_quality", true, true),
    slice("fake_label", true, true),
    // Not counterfeit.
    slice("plain_genuine", false, false),
    slice("pledge", false, true),
    slice("accessory", false, true),
    slice("second_hand", false, true),
    slice("grey_import", false, true),
    slice("warning_guide", false, true),
    slice("negation", false, true),
    slice("own_brand", false, true),
    slice("homonym", false, true),
];

impl KnownSlice {
    pub fn find(name: &str) -> Option<Self> {
        KNOWN_SLICES.iter().copied().find(|s| s.name == name)
    }
}
