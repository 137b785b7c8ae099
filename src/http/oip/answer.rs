use serde::Serialize;

use super::model::VERSION;
use crate::domain::ScoredLine;

/// What stands for the score of a listing that has none: JSON knows no NaN.
const NO_SCORE: f64 = -1.0;
const NO_BAND: &str = "error";

/// The tensors that say what a listing's score is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Output {
    Score,
    Band,
    /// The scored line, as `/v1/score` has it.
    Assessment,
}

impl Output {
    pub(super) const ALL: &'static [Self] = &[Self::Score, Self::Band, Self::Assessment];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Score => "score",
            Self::Band => "band",
            Self::Assessment => "assessment",
        }
    }

    pub(super) fn datatype(self) -> &'static str {
        match self {
            Self::Score => "FP64",
            Self::Band | Self::Assessment => "BYTES",
        }
    }
}

/// How the answer is to be written.
#[derive(Debug)]
pub(super) struct Form {
    pub(super) model: String,
    pub(super) id: Option<String>,
    /// Which outputs, in order, and whether each as bytes.
    pub(super) outputs: Vec<(Output, bool)>,
}

/// An answer: JSON, and bytes of tensors behind it.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) body: Vec<u8>,
    /// How many bytes are JSON, where that is not all.
    pub(super) json_length: Option<usize>,
}

/// An output's elements.
#[derive(Serialize)]
#[serde(untagged)]
enum Column {
    Reals(Vec<f64>),
    Texts(Vec<String>),
}

#[derive(Serialize)]
struct Answered<'a> {
    model_name: &'a str,
    model_version: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    outputs: Vec<OutputTensor>,
}

#[derive(Serialize)]
struct OutputTensor {
    name: &'static str,
    datatype: &'static str,
    shape: [usize; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters: Option<BinarySize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Column>,
}

#[derive(Serialize)]
struct BinarySize {
    binary_data_size: usize,
}

/// Writes the scored lines as tensors.
pub(super) fn write(
    lines: &mut dyn Iterator<Item = &ScoredLine>,
    form: &Form,
) -> serde_json::Result<Answer> {
    let lines: Vec<_> = lines.collect();
    let (mut binary, mut as_bytes) = (Vec::new(), false);
    let mut outputs = Vec::with_capacity(form.outputs.len());
    for (output, in_binary) in form.outputs.iter().copied() {
        let column = column(output, &lines)?;
        let mut tensor = OutputTensor {
            name: output.as_str(),
            datatype: output.datatype(),
            shape: [lines.len()],
            parameters: None,
            data: None,
        };
        if in_binary {
            let start = binary.len();
            column.append_to(&mut binary)?;
            tensor.parameters = Some(BinarySize { binary_data_size: binary.len() - start });
            as_bytes = true;
        } else {
            tensor.data = Some(column);
        }
        outputs.push(tensor);
    }
    let mut body = serde_json::to_vec(&Answered {
        model_name: &form.model,
        model_version: VERSION,
        id: form.id.as_deref(),
        outputs,
    })?;
    let json_length = as_bytes.then_some(body.len());
    body.append(&mut binary);
    Ok(Answer { body, json_length })
}

fn column(output: Output, lines: &[&ScoredLine]) -> serde_json::Result<Column> {
    let assessed = |line: &&ScoredLine| line.outcome.as_ref().ok().map(|a| (a.score, a.band));
    Ok(match output {
        Output::Score => {
            let score = |line| assessed(line).map_or(NO_SCORE, |(score, _)| score.value());
            Column::Reals(lines.iter().map(score).collect())
        }
        Output::Band => {
            let band = |line| assessed(line).map_or(NO_BAND, |(_, band)| band.as_str()).to_owned();
            Column::Texts(lines.iter().map(band).collect())
        }
        Output::Assessment => {
            let texts: serde_json::Result<_> = lines.iter().map(serde_json::to_string).collect();
            Column::Texts(texts?)
        }
    })
}

impl Column {
    /// Each number as eight bytes, each text as four bytes of length and its own; the lowest
    /// byte first.
    fn append_to(&self, binary: &mut Vec<u8>) -> serde_json::Result<()> {
        match self {
            Self::Reals(values) => binary.extend(values.iter().flat_map(|v| v.to_le_bytes())),
            Self::Texts(texts) => {
                for text in texts {
                    let length = u32::try_from(text.len()).map_err(serde::ser::Error::custom)?;
                    binary.extend_from_slice(&length.to_le_bytes());
                    binary.extend_from_slice(text.as_bytes());
                }
            }
        }
        Ok(())
    }
}
