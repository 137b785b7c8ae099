use serde_json::Value;

/// Holds `value` against a schema of the OpenAPI document; panics at the first thing that the
/// document does not say.
pub(crate) fn check_schema(api: &Value, name: &str, value: &Value) {
    let schema = &api["components"]["schemas"][name];
    assert!(schema.is_object(), "no schema {name}");
    let checked = check(api, schema, value, name);
    assert_eq!(checked, Ok(()), "{value:#}");
}

fn check(api: &Value, schema: &Value, value: &Value, at: &str) -> Result<(), String> {
    if let Some(reference) = schema["$ref"].as_str() {
        let target = api.pointer(reference.trim_start_matches('#'));
        return check(api, target.ok_or(format!("{reference} is not there"))?, value, at);
    }
    for key in ["oneOf", "anyOf"] {
        if let Some(choices) = schema[key].as_array() {
            let tried: Vec<_> = choices.iter().map(|s| check(api, s, value, at)).collect();
            let fitting = tried.iter().filter(|t| t.is_ok()).count();
            return if fitting == 1 {
                Ok(())
            } else {
                Err(format!("{at}: {fitting} fit: {tried:?}"))
            };
        }
    }
    for part in schema["allOf"].as_array().into_iter().flatten() {
        check(api, part, value, at)?;
    }
    if let Some(names) = schema["enum"].as_array()
        && !names.contains(value)
    {
        return Err(format!("{at}: {value} is not one of {names:?}"));
    }
    check_type(&schema["type"], value, at)?;
    if let Some(list) = value.as_array() {
        for (i, item) in list.iter().enumerate() {
            check(api, &schema["items"], item, &format!("{at}[{i}]"))?;
        }
    }
    let (Some(object), Some(properties)) = (value.as_object(), schema["properties"].as_object())
    else {
        return Ok(());
    };
    for name in schema["required"].as_array().into_iter().flatten() {
        let name = name.as_str().unwrap();
        if !object.contains_key(name) {
            return Err(format!("{at}: {name} is required"));
        }
    }
    for (name, value) in object {
        let schema = properties.get(name).ok_or(format!("{at}: {name} is not described"))?;
        check(api, schema, value, &format!("{at}.{name}"))?;
    }
    Ok(())
}

fn check_type(kind: &Value, value: &Value, at: &str) -> Result<(), String> {
    let names: Vec<&str> = match (kind.as_str(), kind.as_array()) {
        (Some(name), _) => vec![name],
        (None, Some(names)) => names.iter().filter_map(Value::as_str).collect(),
        (None, None) => return Ok(()),
    };
    let fits = |name: &&str| match *name {
        "null" => value.is_null(),
        "string" => value.is_string(),
        "number" => value.is_number(),
        "integer" => value.is_i64() || value.is_u64(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => false,
    };
    if names.iter().any(fits) { Ok(()) } else { Err(format!("{at}: {value} is not {names:?}")) }
}
