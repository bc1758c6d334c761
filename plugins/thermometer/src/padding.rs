//! Pads a JSON object to a length.

/// The bytes of the padding key without a character: `,"pad":""`.
const KEY_BYTES: usize = 9;

/// Adds the key `pad` to the JSON object, so that it takes exactly `size` bytes. A gap
/// too small for the key is filled with spaces after the object, which JSON allows. A
/// longer object is left as it is.
pub(crate) fn pad(object: &mut Vec<u8>, size: usize) {
    let gap = size.saturating_sub(object.len());
    object.reserve(gap);
    if gap >= KEY_BYTES && object.pop_if(|last| *last == b'}').is_some() {
        object.extend_from_slice(br#","pad":""#);
        object.resize(size - 2, b'x');
        object.extend_from_slice(br#""}"#);
    } else {
        object.resize(object.len() + gap, b' ');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_size_from_the_object_s_own_is_met_and_stays_json() {
        let object = br#"{"t":21.5}"#;
        for size in object.len()..300 {
            let mut padded = object.to_vec();
            pad(&mut padded, size);
            assert_eq!(padded.len(), size);
            let json: serde_json::Value = serde_json::from_slice(&padded).unwrap();
            assert_eq!(json["t"], 21.5);
        }
    }

    #[test]
    fn a_longer_object_is_left_as_it_is() {
        let mut object = br#"{"t":21.5}"#.to_vec();
        pad(&mut object, 3);
        assert_eq!(object, br#"{"t":21.5}"#);
    }
}
