//! A PHP value as it travels: what is stored in a session, for people to read, never to write back.

use std::fmt;

use serde::de::{self, MapAccess, SeqAccess, Visitor};
use serde::ser::SerializeMap as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::bytes::Bytes;

/// A key of a PHP array: an integer or a byte string.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// An integer key (PHP turns decimal string keys into these).
    Int(i64),
    /// A string key.
    Text(Bytes),
}

impl Key {
    /// The key as the bytes a person would type.
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Int(number) => number.to_string().into_bytes(),
            Self::Text(text) => text.0.clone(),
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(number) => write!(f, "{number}"),
            Self::Text(text) => f.write_str(&text.lossy()),
        }
    }
}

/// A stored PHP value.
///
/// On the wire: `null`, booleans, integers, floats and strings are themselves; the rest are
/// one-key objects: `{"float": "INF"}`, `{"b64": …}`, `{"array": [[key, value], …]}`,
/// `{"object": "Class"}`, `{"size": bytes}`.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `N`
    Null,
    /// `b:1`
    Bool(bool),
    /// `i:42`
    Int(i64),
    /// `d:0.5`, also infinities and not-a-number
    Float(f64),
    /// `s:3:"abc"`, bytes
    Text(Bytes),
    /// `a:…`, in stored order
    Array(Vec<(Key, Self)>),
    /// Something only PHP can read (an object, a reference); what it is, for people
    Opaque(String),
    /// A value too large for a frame: its size in bytes
    Large(u64),
}

impl Value {
    /// The value as an integer when PHP would compare it as one: an int, or a decimal string.
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            Self::Text(text) => std::str::from_utf8(&text.0).ok()?.trim().parse().ok(),
            Self::Float(number) if number.is_finite() => Some(*number as i64),
            _ => None,
        }
    }
}

impl Serialize for Key {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Int(number) => serializer.serialize_i64(*number),
            Self::Text(text) => text.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::Int(number) => Ok(Self::Int(number)),
            Value::Text(text) => Ok(Self::Text(text)),
            _ => Err(de::Error::custom("an array key is an integer or a string")),
        }
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        fn one<S: Serializer, V: Serialize + ?Sized>(
            serializer: S,
            key: &str,
            value: &V,
        ) -> Result<S::Ok, S::Error> {
            let mut map = serializer.serialize_map(Some(1))?;
            map.serialize_entry(key, value)?;
            map.end()
        }
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(flag) => serializer.serialize_bool(*flag),
            Self::Int(number) => serializer.serialize_i64(*number),
            Self::Float(number) if number.is_finite() => serializer.serialize_f64(*number),
            Self::Float(number) => one(serializer, "float", &number.to_string()),
            Self::Text(text) => text.serialize(serializer),
            Self::Array(entries) => one(serializer, "array", entries),
            Self::Opaque(what) => one(serializer, "object", what),
            Self::Large(size) => one(serializer, "size", size),
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ValueVisitor;

        impl<'de> Visitor<'de> for ValueVisitor {
            type Value = Value;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a PHP value")
            }

            fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
                Ok(Value::Null)
            }

            fn visit_bool<E: de::Error>(self, flag: bool) -> Result<Value, E> {
                Ok(Value::Bool(flag))
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Value, E> {
                Ok(Value::Int(number))
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Value, E> {
                i64::try_from(number).map(Value::Int).map_err(E::custom)
            }

            fn visit_f64<E: de::Error>(self, number: f64) -> Result<Value, E> {
                Ok(Value::Float(number))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Value, E> {
                Ok(Value::Text(text.into()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<Value, A::Error> {
                Err(de::Error::custom("an array is written {\"array\": […]}"))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
                let key = map.next_key::<String>()?;
                match key.as_deref() {
                    Some("b64") => {
                        crate::bytes::decode_base64(&map.next_value::<String>()?).map(Value::Text)
                    }
                    Some("float") => map
                        .next_value::<String>()?
                        .parse()
                        .map(Value::Float)
                        .map_err(de::Error::custom),
                    Some("array") => Ok(Value::Array(map.next_value()?)),
                    Some("object") => Ok(Value::Opaque(map.next_value()?)),
                    Some("size") => Ok(Value::Large(map.next_value()?)),
                    other => Err(de::Error::custom(format_args!(
                        "unknown value kind {other:?}"
                    ))),
                }
            }
        }

        deserializer.deserialize_any(ValueVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_survives_the_trip() {
        let all = Value::Array(vec![
            (Key::Int(-3), Value::Null),
            (Key::Text("b".into()), Value::Bool(true)),
            (Key::Text("i".into()), Value::Int(i64::MIN)),
            (Key::Text("d".into()), Value::Float(-33.86)),
            (Key::Text("inf".into()), Value::Float(f64::INFINITY)),
            (Key::Text(Bytes(vec![0xff])), Value::Text(Bytes(vec![0xfe]))),
            (
                Key::Text("o".into()),
                Value::Opaque("object of Two_Factor".into()),
            ),
            (Key::Text("l".into()), Value::Large(5_000_000)),
        ]);
        let json = serde_json::to_string(&all).unwrap();
        let back: Value = serde_json::from_str(&json).unwrap();
        assert_eq!(back, all, "{json}");
    }
}
