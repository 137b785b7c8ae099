use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_schema::{DataType, TimeUnit};
use serde_json::{Map, Value};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// The cell as JSON; times as RFC 3339, decimals as text.
///
/// # Errors
/// The name of the type, when it has no place in a listing.
#[expect(clippy::wildcard_enum_match_arm, reason = "Parquet gives none of the other types today")]
pub(super) fn value(array: &dyn Array, row: usize) -> Result<Value, String> {
    if array.is_null(row) {
        return Ok(Value::Null);
    }
    let value = match array.data_type() {
        DataType::Null => Value::Null,
        DataType::Boolean => array.as_boolean().value(row).into(),
        DataType::Utf8 => array.as_string::<i32>().value(row).into(),
        DataType::LargeUtf8 => array.as_string::<i64>().value(row).into(),
        DataType::Binary => text(array.as_binary::<i32>().value(row))?,
        DataType::LargeBinary => text(array.as_binary::<i64>().value(row))?,
        DataType::Int8 => at::<Int8Type>(array, row).into(),
        DataType::Int16 => at::<Int16Type>(array, row).into(),
        DataType::Int32 => at::<Int32Type>(array, row).into(),
        DataType::Int64 => at::<Int64Type>(array, row).into(),
        DataType::UInt8 => at::<UInt8Type>(array, row).into(),
        DataType::UInt16 => at::<UInt16Type>(array, row).into(),
        DataType::UInt32 => at::<UInt32Type>(array, row).into(),
        DataType::UInt64 => at::<UInt64Type>(array, row).into(),
        DataType::Float32 => float(f64::from(at::<Float32Type>(array, row))),
        DataType::Float64 => float(at::<Float64Type>(array, row)),
        DataType::Decimal128(..) => {
            array.as_primitive::<Decimal128Type>().value_as_string(row).into()
        }
        DataType::Timestamp(unit, _) => moment(array, *unit, row),
        DataType::Struct(fields) => {
            let mut object = Map::new();
            for (field, column) in fields.iter().zip(array.as_struct().columns()) {
                object.insert(field.name().clone(), value(column.as_ref(), row)?);
            }
            object.into()
        }
        DataType::List(_) => list(array.as_list::<i32>().value(row).as_ref())?,
        DataType::LargeList(_) => list(array.as_list::<i64>().value(row).as_ref())?,
        DataType::Map(..) => {
            let entries = array.as_map().value(row);
            let mut object = Map::new();
            for entry in 0..entries.len() {
                if let Value::String(key) = value(entries.column(0).as_ref(), entry)? {
                    object.insert(key, value(entries.column(1).as_ref(), entry)?);
                }
            }
            object.into()
        }
        other => return Err(other.to_string()),
    };
    Ok(value)
}

fn at<T: ArrowPrimitiveType>(array: &dyn Array, row: usize) -> T::Native {
    array.as_primitive::<T>().value(row)
}

/// JSON has no NaN; as text it is refused where a number is due, by its name.
fn float(number: f64) -> Value {
    serde_json::Number::from_f64(number)
        .map_or_else(|| Value::String(number.to_string()), Value::Number)
}

fn text(bytes: &[u8]) -> Result<Value, String> {
    std::str::from_utf8(bytes).map(Value::from).map_err(|_| "bytes that are not UTF-8".to_owned())
}

fn list(items: &dyn Array) -> Result<Value, String> {
    (0..items.len()).map(|item| value(items, item)).collect::<Result<Vec<_>, _>>().map(Value::Array)
}

fn moment(array: &dyn Array, unit: TimeUnit, row: usize) -> Value {
    let nanos = match unit {
        TimeUnit::Nanosecond => i128::from(at::<TimestampNanosecondType>(array, row)),
        TimeUnit::Microsecond => 1_000 * i128::from(at::<TimestampMicrosecondType>(array, row)),
        TimeUnit::Millisecond => 1_000_000 * i128::from(at::<TimestampMillisecondType>(array, row)),
        // Parquet has no unit of seconds.
        TimeUnit::Second => return Value::Null,
    };
    OffsetDateTime::from_unix_timestamp_nanos(nanos)
        .ok()
        .and_then(|time| time.format(&Rfc3339).ok())
        .map_or(Value::Null, Value::String)
}
