//! A strict reader of GGUF files. They come from strangers: every count, offset and size is
//! bounded before it is believed, and tensor data is only read where the header says it lies.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{BufReader, Read, Seek as _, SeekFrom};
use std::path::Path;
use std::sync::Mutex;

mod encoding;

pub use encoding::Encoding;

const MAGIC: [u8; 4] = *b"GGUF";
const MAX_KEYS: u64 = 1 << 16;
const MAX_TENSORS: u64 = 1 << 16;
const MAX_KEY_BYTES: u64 = 1 << 16;
const MAX_TEXT_BYTES: u64 = 16 << 20;
const MAX_TEMPLATE_BYTES: u64 = 1 << 20;
const MAX_ARRAY: u64 = 1 << 24;
/// All metadata together, so that many allowed parts cannot exhaust memory.
const MAX_METADATA_BYTES: u64 = 256 << 20;

/// Why a GGUF file was refused.
#[derive(Debug, thiserror::Error)]
pub enum GgufError {
    /// The file could not be read.
    #[error("failed to read the model file")]
    Io(#[source] std::io::Error),
    /// It ends before what it announces.
    #[error("the model file is truncated: {0}")]
    Truncated(&'static str),
    /// Another kind of file.
    #[error("not a gguf file")]
    Foreign,
    /// A version of the format that is not known.
    #[error("gguf version {0} is not supported")]
    Version(u32),
    /// A limit is exceeded or parts contradict each other.
    #[error("the model file is malformed: {0}")]
    Malformed(String),
    /// A tensor that is asked for is not there.
    #[error("the model file lacks the tensor {0}")]
    MissingTensor(String),
    /// A tensor's shape is not the one asked for.
    #[error("the tensor {name} has shape {found:?}, not {wanted:?}")]
    Shape {
        /// The tensor.
        name: String,
        /// Its dimensions in the file, fastest first.
        found: Vec<usize>,
        /// The dimensions asked for.
        wanted: Vec<usize>,
    },
}

impl From<std::io::Error> for GgufError {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::UnexpectedEof => Self::Truncated("it ends within its header"),
            _ => Self::Io(error),
        }
    }
}

fn malformed(what: impl Into<String>) -> GgufError {
    GgufError::Malformed(what.into())
}

/// A metadata value; numbers are widened.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// u8, u16, u32, u64.
    Unsigned(u64),
    /// i8, i16, i32, i64.
    Signed(i64),
    /// f32, f64.
    Float(f64),
    /// A truth value.
    Bool(bool),
    /// A string.
    Text(String),
    /// An array of strings.
    Texts(Vec<String>),
    /// An array of integers or truth values.
    Integers(Vec<i64>),
    /// An array of floats.
    Floats(Vec<f64>),
}

/// Where a tensor lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorInfo {
    /// Dimensions, fastest-varying first: a matrix is `[in, out]`.
    pub dims: Vec<usize>,
    /// How its numbers are stored.
    pub encoding: Encoding,
    /// First byte, from the start of the data section.
    offset: u64,
    /// Length in bytes.
    bytes: u64,
}

impl TensorInfo {
    /// How many numbers it holds.
    pub fn numbers(&self) -> usize {
        self.dims.iter().product()
    }
}

/// An opened GGUF file whose header was checked.
#[derive(Debug)]
pub struct Gguf {
    metadata: HashMap<String, Value>,
    tensors: BTreeMap<String, TensorInfo>,
    data: u64,
    file: Mutex<File>,
}

impl Gguf {
    /// Opens `path` and checks its whole header against the file's length.
    pub fn open(path: &Path) -> Result<Self, GgufError> {
        let file = File::open(path).map_err(GgufError::Io)?;
        let length = file.metadata().map_err(GgufError::Io)?.len();
        let mut header = Header { reader: BufReader::with_capacity(1 << 20, &file), read: 0 };
        let (metadata, listed) = header.parse()?;
        let alignment = match metadata.get("general.alignment") {
            None => 32,
            Some(&Value::Unsigned(n)) if n.is_power_of_two() && (8..=4096).contains(&n) => n,
            Some(_) => return Err(malformed("its alignment is no power of two in 8..=4096")),
        };
        let data = header.read.next_multiple_of(alignment);
        let tensors = place(listed, alignment, data, length)?;
        Ok(Self { metadata, tensors, data, file: Mutex::new(file) })
    }

    /// A metadata value.
    pub fn value(&self, key: &str) -> Option<&Value> {
        self.metadata.get(key)
    }

    /// A string, if `key` is one.
    pub fn text(&self, key: &str) -> Option<&str> {
        match self.value(key)? {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// An array of strings, if `key` is one.
    pub fn texts(&self, key: &str) -> Option<&[String]> {
        match self.value(key)? {
            Value::Texts(texts) => Some(texts),
            _ => None,
        }
    }

    /// An array of integers, if `key` is one.
    pub fn integers(&self, key: &str) -> Option<&[i64]> {
        match self.value(key)? {
            Value::Integers(integers) => Some(integers),
            _ => None,
        }
    }

    /// A number that is not negative, if `key` is one.
    pub fn unsigned(&self, key: &str) -> Option<u64> {
        match *self.value(key)? {
            Value::Unsigned(number) => Some(number),
            Value::Signed(number) => u64::try_from(number).ok(),
            _ => None,
        }
    }

    /// A float, if `key` is one.
    pub fn float(&self, key: &str) -> Option<f64> {
        match *self.value(key)? {
            Value::Float(number) => Some(number),
            _ => None,
        }
    }

    /// Where a tensor lies, if it exists.
    pub fn tensor(&self, name: &str) -> Option<&TensorInfo> {
        self.tensors.get(name)
    }

    /// All tensors by name.
    pub fn tensors(&self) -> impl Iterator<Item = (&str, &TensorInfo)> {
        self.tensors.iter().map(|(name, info)| (name.as_str(), info))
    }

    /// Reads a tensor as f32. `dims` is the expected shape, fastest-varying first.
    pub fn read(&self, name: &str, dims: &[usize]) -> Result<Vec<f32>, GgufError> {
        let info = self.tensor(name).ok_or_else(|| GgufError::MissingTensor(name.to_owned()))?;
        if info.dims != dims {
            return Err(GgufError::Shape {
                name: name.to_owned(),
                found: info.dims.clone(),
                wanted: dims.to_vec(),
            });
        }
        let length = usize::try_from(info.bytes).map_err(|_| malformed("a tensor is too large"))?;
        let mut bytes = vec![0; length];
        {
            let mut file = self.file.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            file.seek(SeekFrom::Start(self.data + info.offset)).map_err(GgufError::Io)?;
            file.read_exact(&mut bytes)
                .map_err(|_| GgufError::Truncated("a tensor could not be read whole"))?;
        }
        let mut out = vec![0.0; info.numbers()];
        info.encoding.decode(&bytes, &mut out);
        if out.iter().all(|number| number.is_finite()) {
            Ok(out)
        } else {
            Err(malformed(format!("the tensor {name} holds numbers that are not finite")))
        }
    }
}

/// Gives tensors their byte ranges: ascending, aligned, within the file, without overlap.
fn place(
    listed: Vec<(String, Vec<usize>, Encoding, u64)>,
    alignment: u64,
    data: u64,
    length: u64,
) -> Result<BTreeMap<String, TensorInfo>, GgufError> {
    let mut tensors = BTreeMap::new();
    let mut free = 0;
    for (name, dims, encoding, offset) in listed {
        let (numbers, size) = encoding.block();
        let row = dims[0];
        let count = dims.iter().try_fold(1u64, |n, &dim| n.checked_mul(dim as u64));
        let bytes = count
            .filter(|_| row.is_multiple_of(numbers))
            .and_then(|count| (count / numbers as u64).checked_mul(size as u64))
            .ok_or_else(|| malformed(format!("the size of the tensor {name} is impossible")))?;
        if offset < free || !offset.is_multiple_of(alignment) {
            return Err(malformed(format!("the tensor {name} overlaps another or is unaligned")));
        }
        free = offset
            .checked_add(bytes)
            .ok_or_else(|| malformed(format!("the tensor {name} ends beyond all files")))?;
        if data.checked_add(free).is_none_or(|end| end > length) {
            return Err(GgufError::Truncated("a tensor lies beyond its end"));
        }
        let info = TensorInfo { dims, encoding, offset, bytes };
        if tensors.insert(name.clone(), info).is_some() {
            return Err(malformed(format!("the tensor {name} occurs twice")));
        }
    }
    Ok(tensors)
}

type Listed = Vec<(String, Vec<usize>, Encoding, u64)>;

/// Reads the header and counts what it read.
struct Header<R> {
    reader: R,
    read: u64,
}

impl<R: Read> Header<R> {
    fn parse(&mut self) -> Result<(HashMap<String, Value>, Listed), GgufError> {
        if self.bytes::<4>().map_err(|_| GgufError::Foreign)? != MAGIC {
            return Err(GgufError::Foreign);
        }
        let version = self.u32()?;
        if !(2..=3).contains(&version) {
            return Err(GgufError::Version(version));
        }
        let tensors = self.u64()?;
        let keys = self.u64()?;
        if tensors > MAX_TENSORS || keys > MAX_KEYS {
            return Err(malformed("it announces too many tensors or keys"));
        }
        let mut metadata = HashMap::new();
        for _ in 0..keys {
            let key = self.text(MAX_KEY_BYTES)?;
            let kind = self.u32()?;
            let template = key.starts_with("tokenizer.chat_template");
            let limit = if template { MAX_TEMPLATE_BYTES } else { MAX_TEXT_BYTES };
            let value = self.value(kind, limit)?;
            if metadata.insert(key, value).is_some() {
                return Err(malformed("a key occurs twice"));
            }
        }
        let listed = (0..tensors).map(|_| self.listed()).collect::<Result<_, _>>()?;
        Ok((metadata, listed))
    }

    fn listed(&mut self) -> Result<(String, Vec<usize>, Encoding, u64), GgufError> {
        let name = self.text(MAX_KEY_BYTES)?;
        let rank = self.u32()?;
        if !(1..=4).contains(&rank) {
            return Err(malformed(format!("the tensor {name} has {rank} dimensions")));
        }
        let mut dims = Vec::with_capacity(4);
        for _ in 0..rank {
            let dim = usize::try_from(self.u64()?).unwrap_or(0);
            if dim == 0 {
                return Err(malformed(format!("the tensor {name} has an impossible dimension")));
            }
            dims.push(dim);
        }
        let code = self.u32()?;
        let encoding = Encoding::from_code(code)
            .ok_or_else(|| malformed(format!("the tensor {name} has the unknown type {code}")))?;
        Ok((name, dims, encoding, self.u64()?))
    }

    fn value(&mut self, kind: u32, limit: u64) -> Result<Value, GgufError> {
        Ok(match kind {
            6 => Value::Float(f64::from(f32::from_le_bytes(self.bytes()?))),
            12 => Value::Float(f64::from_le_bytes(self.bytes()?)),
            7 => Value::Bool(self.integer(kind)? != 0),
            8 => Value::Text(self.text(limit)?),
            9 => self.array(limit)?,
            10 => Value::Unsigned(self.u64()?),
            0 | 2 | 4 => Value::Unsigned(self.integer(kind)?.cast_unsigned()),
            _ => Value::Signed(self.integer(kind)?),
        })
    }

    fn array(&mut self, limit: u64) -> Result<Value, GgufError> {
        let kind = self.u32()?;
        let count = self.u64()?;
        if count > MAX_ARRAY {
            return Err(malformed("an array is too long"));
        }
        let each = 0..count;
        match kind {
            8 => each.map(|_| self.text(limit)).collect::<Result<_, _>>().map(Value::Texts),
            6 => each
                .map(|_| self.bytes().map(|b| f64::from(f32::from_le_bytes(b))))
                .collect::<Result<_, _>>()
                .map(Value::Floats),
            12 => each
                .map(|_| self.bytes().map(f64::from_le_bytes))
                .collect::<Result<_, _>>()
                .map(Value::Floats),
            _ => each.map(|_| self.integer(kind)).collect::<Result<_, _>>().map(Value::Integers),
        }
    }

    fn integer(&mut self, kind: u32) -> Result<i64, GgufError> {
        Ok(match kind {
            0 | 7 => i64::from(self.bytes::<1>()?[0]),
            1 => i64::from(i8::from_le_bytes(self.bytes()?)),
            2 => i64::from(u16::from_le_bytes(self.bytes()?)),
            3 => i64::from(i16::from_le_bytes(self.bytes()?)),
            4 => i64::from(self.u32()?),
            5 => i64::from(i32::from_le_bytes(self.bytes()?)),
            10 => i64::try_from(self.u64()?).map_err(|_| malformed("an integer is too large"))?,
            11 => i64::from_le_bytes(self.bytes()?),
            _ => return Err(malformed(format!("a value has the unknown type {kind}"))),
        })
    }

    fn bytes<const N: usize>(&mut self) -> Result<[u8; N], GgufError> {
        self.spend(N as u64)?;
        let mut bytes = [0; N];
        self.reader.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    fn spend(&mut self, bytes: u64) -> Result<(), GgufError> {
        self.read += bytes;
        if self.read > MAX_METADATA_BYTES {
            return Err(malformed("its header is too large"));
        }
        Ok(())
    }

    fn u32(&mut self) -> Result<u32, GgufError> {
        self.bytes().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64, GgufError> {
        self.bytes().map(u64::from_le_bytes)
    }

    fn text(&mut self, limit: u64) -> Result<String, GgufError> {
        let length = self.u64()?;
        if length > limit {
            return Err(malformed("a string is too long"));
        }
        self.spend(length)?;
        // `take` reads what is there: a lying length costs no memory.
        let mut bytes = Vec::new();
        let read = self.reader.by_ref().take(length).read_to_end(&mut bytes)?;
        if read as u64 != length {
            return Err(GgufError::Truncated("it ends within its header"));
        }
        String::from_utf8(bytes).map_err(|_| malformed("a string is not utf-8"))
    }
}

#[cfg(test)]
mod tests;
