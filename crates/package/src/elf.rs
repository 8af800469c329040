//! The check that a binary can run on Lambda's `provided.al2023`, by its ELF headers.

use anyhow::{Context, Result, bail, ensure};
use object::Endianness;
use object::elf::{DT_NEEDED, EM_386, EM_AARCH64, EM_ARM, EM_RISCV, EM_X86_64, Machine};
use object::read::elf::{Dyn, ElfFile64, FileHeader};

use provision_engine::fault::{Code, Fault};

/// Amazon Linux 2023's C library.
const GLIBC: Version = Version(2, 34);

/// Libraries of the `provided.al2023` image that a Rust program may need.
const PRESENT: [&str; 9] = [
    "libc.so.6",
    "libm.so.6",
    "libgcc_s.so.1",
    "libpthread.so.0",
    "libdl.so.2",
    "librt.so.1",
    "libutil.so.1",
    "libresolv.so.2",
    "ld-linux-",
];

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Version(u32, u32);

/// A binary made for another machine or a newer system than Lambda's. Building elsewhere may help.
fn unfit(why: String) -> Fault {
    Code::Unfit.fault(why)
}

fn damaged() -> Fault {
    unfit("the ELF file is damaged".into())
}

pub(super) fn check(binary: &[u8], architecture: &str) -> Result<()> {
    ensure!(
        binary.starts_with(b"\x7fELF"),
        unfit(format!(
            "this is not a Linux program (ELF){}",
            other_format(binary)
        ))
    );
    ensure!(
        binary.get(4) == Some(&2),
        unfit("this is not a 64-bit program".into())
    );
    let file = ElfFile64::<Endianness>::parse(binary).with_context(damaged)?;
    let endian = file.endian();
    let machine = file.elf_header().e_machine(endian);
    let wanted = if architecture == "arm64" {
        EM_AARCH64
    } else {
        EM_X86_64
    };
    if machine != wanted {
        let fitting = if machine == EM_AARCH64 {
            "arm64"
        } else {
            "x86_64"
        };
        bail!(
            unfit(format!(
                "the binary is for {}, but the function's architecture is {architecture}",
                machine_name(machine),
            ))
            .remedy(format!(
                "`--arch {fitting}`, or a binary built for {architecture}"
            ))
        );
    }
    check_glibc(&file)?;
    check_libraries(&file)
}

fn check_glibc(file: &ElfFile64<'_>) -> Result<()> {
    let newest = versions_needed(file)?.into_iter().max();
    match newest {
        Some(version) if version > GLIBC => bail!(unfit(format!(
            "the binary needs GLIBC {}.{}, but Lambda's Amazon Linux 2023 has {}.{}",
            version.0, version.1, GLIBC.0, GLIBC.1
        ))),
        _ => Ok(()),
    }
}

/// The `GLIBC_x.y` versions of the symbols that are imported.
fn versions_needed(file: &ElfFile64<'_>) -> Result<Vec<Version>> {
    let endian = file.endian();
    let sections = file.elf_section_table();
    let Some((mut needs, link)) = sections
        .gnu_verneed(endian, file.data())
        .with_context(damaged)?
    else {
        return Ok(Vec::new());
    };
    let strings = sections
        .strings(endian, file.data(), link)
        .with_context(damaged)?;
    let mut versions = Vec::new();
    while let Some((_, mut parts)) = needs.next()? {
        while let Some(part) = parts.next()? {
            let name = part.name(endian, strings).unwrap_or_default();
            versions.extend(std::str::from_utf8(name).ok().and_then(glibc_version));
        }
    }
    Ok(versions)
}

/// `GLIBC_2.34` and `GLIBC_2.2.5` alike.
fn glibc_version(name: &str) -> Option<Version> {
    let mut parts = name.strip_prefix("GLIBC_")?.split('.');
    Some(Version(
        parts.next()?.parse().ok()?,
        parts.next()?.parse().ok()?,
    ))
}

fn check_libraries(file: &ElfFile64<'_>) -> Result<()> {
    let missing: Vec<String> = libraries_needed(file)?
        .into_iter()
        .filter(|library| !PRESENT.iter().any(|present| library.starts_with(present)))
        .collect();
    ensure!(
        missing.is_empty(),
        unfit(format!(
            "the binary needs libraries that Lambda does not have: {}",
            missing.join(", ")
        ))
    );
    Ok(())
}

fn libraries_needed(file: &ElfFile64<'_>) -> Result<Vec<String>> {
    let endian = file.endian();
    let sections = file.elf_section_table();
    let Some((entries, link)) = sections
        .dynamic(endian, file.data())
        .with_context(damaged)?
    else {
        return Ok(Vec::new());
    };
    let strings = sections
        .strings(endian, file.data(), link)
        .with_context(damaged)?;
    let needed = entries
        .iter()
        .filter(|entry| entry.tag(endian) == DT_NEEDED);
    Ok(needed
        .filter_map(|entry| entry.string(endian, strings).ok())
        .map(|name| String::from_utf8_lossy(name).into_owned())
        .collect())
}

fn machine_name(machine: Machine) -> String {
    match machine {
        EM_AARCH64 => "arm64".to_owned(),
        EM_X86_64 => "x86_64".to_owned(),
        EM_386 => "32-bit x86".to_owned(),
        EM_ARM => "32-bit ARM".to_owned(),
        EM_RISCV => "RISC-V".to_owned(),
        other => format!("machine {}", other.0),
    }
}

fn other_format(binary: &[u8]) -> &'static str {
    match binary {
        [0xcf | 0xce, 0xfa, 0xed, 0xfe, ..] | [0xca, 0xfe, 0xba, 0xbe, ..] => " but a macOS one",
        [b'M', b'Z', ..] => " but a Windows one",
        [b'#', b'!', ..] => " but a script",
        [] => ": the file is empty",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_as_numbers() {
        assert!(glibc_version("GLIBC_2.2.5") < glibc_version("GLIBC_2.34"));
        assert!(glibc_version("GLIBC_2.39").unwrap() > GLIBC);
        assert_eq!(glibc_version("GCC_3.0"), None);
    }

    #[test]
    fn other_formats_are_named() {
        let error = check(b"#!/bin/sh\n", "x86_64").unwrap_err();
        assert_eq!(
            error.to_string(),
            "this is not a Linux program (ELF) but a script"
        );
        assert!(
            check(b"", "x86_64")
                .unwrap_err()
                .to_string()
                .contains("empty")
        );
        assert!(
            check(b"\x7fELF\x02\x01", "x86_64")
                .unwrap_err()
                .to_string()
                .contains("damaged")
        );
    }

    #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
    #[test]
    fn the_machine_must_be_the_functions() {
        let this_test = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        let error = check(&this_test, "arm64").unwrap_err().to_string();
        assert!(
            error.starts_with("the binary is for x86_64, but the function's architecture is arm64")
        );
    }
}
