use std::io::Cursor;
use std::path::{Path, PathBuf};

use insta::assert_snapshot;
use thatgia::cli::score::{Job, Lang, Look, OutputFormat, Streams, Summary, execute};
use thatgia::domain::Limits;
use thatgia::scoring::TierChoice;

use crate::support::FakeScorer;

pub(super) fn job(files: &[&Path], format: OutputFormat) -> Job {
    Job {
        files: files.iter().map(|f| f.to_path_buf()).collect(),
        input: None,
        format,
        limits: Limits::default(),
        explain: false,
        tier: TierChoice::Auto,
        look: Look { top: 50, width: 100, lang: Lang::Vi, explain: false, colors: false },
    }
}

pub(super) fn run(job: &Job, stdin: &str) -> (Summary, Vec<u8>) {
    let mut out = Vec::new();
    let streams = Streams {
        stdin: Box::new(Cursor::new(stdin.as_bytes().to_vec())),
        out: Box::new(&mut out),
        progress: &|_, _| {},
    };
    let summary = execute(job, &FakeScorer::new(), streams).unwrap();
    (summary, out)
}

fn piped(format: OutputFormat, stdin: &str) -> (Summary, String) {
    let (summary, out) = run(&job(&[Path::new("-")], format), stdin);
    (summary, String::from_utf8(out).unwrap())
}

const LISTINGS: &str = "{\"id\":\"a\",\"title\":\"Giày\"}\n\n{\"id\":\"b\",\"title\":\"Rẻ!!!!\",\
    \"price\":{\"amount\":199000},\"seller\":{\"name\":\"Shop \\u001b[31mX\"}}\n{\"id\":\"c\"}\n";

#[test]
fn json_lines_keep_their_order_with_errors_in_their_place() {
    let (summary, out) = piped(OutputFormat::Jsonl, LISTINGS);
    assert_eq!((summary.scored, summary.failed), (2, 1));
    assert_eq!(summary.errors, ["<stdin>:4: title: is required (missing_field)"]);
    let lines: Vec<&str> = out.lines().collect();
    assert!(lines[0].starts_with(r#"{"line":1,"id":"a","score":0.119"#), "{out}");
    assert!(lines[1].contains(r#""line":3,"id":"b","score":0.88"#), "{out}");
    assert_eq!(
        lines[2],
        r#"{"line":4,"id":"c","error":{"code":"missing_field","field":"title","message":"is required"}}"#
    );
}

#[test]
fn a_table_shows_the_riskiest_first() {
    let (_, out) = piped(OutputFormat::Table, LISTINGS);
    assert_snapshot!(out, @r##"
     ĐIỂM   MỨC   TIÊU ĐỀ  GIÁ        NGƯỜI BÁN   LÝ DO
     88.1%  cao   Rẻ!!!!   199.000 ₫  Shop [31mX  “!” dấu chấm than
     11.9%  thấp  Giày

    Hiện 2 trên 2 tin, rủi ro cao trước: 1 cao, 0 cần xem, 1 thấp; 1 lỗi.
    "##);
    let mut short = job(&[Path::new("-")], OutputFormat::Table);
    short.look.top = 1;
    short.look.lang = Lang::En;
    short.look.explain = true;
    short.explain = true;
    let out = String::from_utf8(run(&short, LISTINGS).1).unwrap();
    assert_snapshot!(out, @r##"
     88.1%  high  Rẻ!!!!  ·  199,000 ₫  ·  Shop [31mX
            prior      -2.00
            text       +4.00  ████████████████
             +1.00  title “!”: exclamation marks (mark)
             +1.00  title “!”: exclamation marks (mark)
             +1.00  title “!”: exclamation marks (mark)
             +1.00  title “!”: exclamation marks (mark)

    1 of 2 listings, riskiest first: 1 high, 0 review, 1 low; 1 failed.
    "##);
}

#[test]
fn csv_has_flat_columns() {
    let (_, out) = piped(OutputFormat::Csv, LISTINGS);
    assert_snapshot!(out, @r##"
    line,id,score,band,tier,model,weights_sha256,prior,part_text,part_image,part_price,part_seller,part_codes,legal_class,evidence,error_code,error_field,error_message
    1,a,0.11920292202211755,low,fast,fake-1,abababababababababababababababababababababababababababababababab,-2,0,,,,,none,[],,,
    3,b,0.8807970779778823,high,fast,fake-1,abababababababababababababababababababababababababababababababab,-2,4,,,,,none,"[{""part"":""text"",""kind"":""mark"",""field"":""title"",""start"":2,""end"":3,""text"":""!"",""weight"":4.0,""reason"":{""vi"":""dấu chấm than"",""en"":""exclamation marks""}}]",,,
    4,c,,,,,,,,,,,,,,missing_field,title,is required
    "##);
}

#[test]
fn an_array_and_csv_are_told_by_their_first_bytes() {
    let (summary, out) =
        piped(OutputFormat::Jsonl, r#"[{"title":"a"}, {"title":7}, {"title":"b"}]"#);
    assert_eq!((summary.scored, summary.failed, out.lines().count()), (2, 1, 3));
    assert_eq!(summary.errors.len(), 1);
    assert!(summary.errors[0].starts_with("<stdin>:2: title: "), "{:?}", summary.errors);
    let (summary, out) = piped(OutputFormat::Jsonl, "id;title;price;x\n1;a!;5;y\n2;b;abc;y\n");
    assert_eq!((summary.scored, summary.failed), (1, 1));
    assert_eq!(summary.ignored, ["<stdin>: x"]);
    assert!(
        out.lines().nth(1).unwrap().starts_with(
            r#"{"line":3,"id":"2","error":{"code":"wrong_type","field":"price.amount""#
        )
    );
}

#[test]
fn lines_of_several_files_name_their_own() {
    let dir = tempfile::tempdir().unwrap();
    let paths: Vec<PathBuf> = ["a.jsonl", "b.csv"].map(|n| dir.path().join(n)).into();
    std::fs::write(&paths[0], "{\"title\":\"a\"}").unwrap();
    std::fs::write(&paths[1], "title\nb\n").unwrap();
    let (_, out) = run(&job(&[&paths[0], &paths[1]], OutputFormat::Jsonl), "");
    let lines: Vec<serde_json::Value> = out
        .split(|b| *b == b'\n')
        .filter(|l| !l.is_empty())
        .map(|l| serde_json::from_slice(l).unwrap())
        .collect();
    let got: Vec<_> =
        lines.iter().map(|l| (l["file"].as_str().unwrap(), l["line"].as_u64())).collect();
    assert_eq!(got, [(paths[0].to_str().unwrap(), Some(1)), (paths[1].to_str().unwrap(), Some(2))]);
}

#[test]
fn parquet_out_is_parquet_in() {
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("scores.parquet");
    let (_, out) = run(&job(&[Path::new("-")], OutputFormat::Parquet), LISTINGS);
    std::fs::write(&path, out).unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(std::fs::File::open(&path).unwrap());
    let batch = reader.unwrap().build().unwrap().next().unwrap().unwrap();
    assert_eq!((batch.num_rows(), batch.num_columns()), (3, 18));
    let scores = batch.column_by_name("score").unwrap();
    assert_eq!(scores.null_count(), 1);
}

#[test]
fn parquet_of_listings_is_read_by_column_name() {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray, StructArray};
    use arrow_schema::{DataType, Field};
    use parquet::arrow::ArrowWriter;

    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("listings.parquet");
    let seller = StructArray::from(vec![(
        Arc::new(Field::new("name", DataType::Utf8, true)),
        Arc::new(StringArray::from(vec![Some("S"), None, None])) as ArrayRef,
    )]);
    let batch = RecordBatch::try_from_iter([
        ("id", Arc::new(Int64Array::from(vec![7, 8, 9])) as ArrayRef),
        ("title", Arc::new(StringArray::from(vec![Some("a!"), None, Some("c")]))),
        ("price", Arc::new(Float64Array::from(vec![5.0, 6.0, f64::NAN]))),
        ("seller", Arc::new(seller)),
    ]);
    let file = std::fs::File::create(&path).unwrap();
    let batch = batch.unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    let (summary, out) = run(&job(&[&path], OutputFormat::Jsonl), "");
    let out = String::from_utf8(out).unwrap();
    assert_eq!((summary.scored, summary.failed), (1, 2), "{out}");
    assert!(out.starts_with(r#"{"line":1,"id":"7","score":0.26"#), "{out}");
    let second = r#"{"line":2,"id":"8","error":{"code":"missing_field","field":"title""#;
    assert!(out.lines().nth(1).unwrap().starts_with(second), "{out}");
    let third = r#"{"line":3,"id":"9","error":{"code":"out_of_range","field":"price.amount""#;
    assert!(out.lines().nth(2).unwrap().starts_with(third), "{out}");
}
