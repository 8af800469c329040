//! Messages of `application/vnd.amazon.eventstream` (Smithy: "Amazon Event Stream Specification").

use bytes::{BufMut, Bytes, BytesMut};

/// Total length, length of the headers, and the checksum of both.
const PRELUDE: usize = 12;
const CHECKSUM: usize = 4;
/// The type of a header whose value is a text.
const TEXT: u8 = 7;

/// One event: a message of the type `event`.
pub(super) fn event(kind: &str, content_type: &str, payload: &[u8]) -> Bytes {
    let mut headers = BytesMut::new();
    for (name, value) in [
        (":event-type", kind),
        (":content-type", content_type),
        (":message-type", "event"),
    ] {
        header(&mut headers, name, value);
    }
    let total = PRELUDE + headers.len() + payload.len() + CHECKSUM;
    let mut message = BytesMut::with_capacity(total);
    message.put_u32(length(total));
    message.put_u32(length(headers.len()));
    let checksum = crc32fast::hash(&message);
    message.put_u32(checksum);
    message.extend_from_slice(&headers);
    message.extend_from_slice(payload);
    let checksum = crc32fast::hash(&message);
    message.put_u32(checksum);
    message.freeze()
}

fn header(headers: &mut BytesMut, name: &str, value: &str) {
    headers.put_u8(u8::try_from(name.len()).unwrap_or_default());
    headers.extend_from_slice(name.as_bytes());
    headers.put_u8(TEXT);
    headers.put_u16(u16::try_from(value.len()).unwrap_or_default());
    headers.extend_from_slice(value.as_bytes());
}

/// No payload here is larger than 200 MB.
fn length(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_has_lengths_headers_and_checksums() {
        let message = event("PayloadChunk", "application/octet-stream", b"ab");
        let number = |at: usize| {
            let bytes = message.get(at..at + 4).expect("four bytes");
            u32::from_be_bytes(bytes.try_into().expect("four bytes"))
        };
        assert_eq!(number(0) as usize, message.len());
        let headers = number(4) as usize;
        assert_eq!(number(8), crc32fast::hash(&message[..8]));
        let end = message.len() - 4;
        assert_eq!(number(end), crc32fast::hash(&message[..end]));
        assert_eq!(&message[12 + headers..end], b"ab");
        assert_eq!(&message[12..28], b"\x0b:event-type\x07\x00\x0cP");
    }
}
