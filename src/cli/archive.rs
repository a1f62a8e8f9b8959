//! Keeps a file that is given as evidence: a copy under its content's hash in the launch's `artifacts/`,
//! without the secrets this terminal knows.

use std::io::Read as _;
use std::path::Path;

use anyhow::{Context as _, bail};
use sha2::{Digest as _, Sha256};

use crate::base::regular;
use crate::base::secret::Redactor;
use crate::base::text::{hex, printable};
use crate::journal::LaunchFolder;
use crate::launch::artifact::LARGEST_GIVEN;

/// The line that stands in the journal for the file at `path`: its name, size and SHA-256 as it is kept.
///
/// # Errors
/// It is no regular file, too large, or cannot be read or kept; or a secret of the plan is not known here, by the
/// variables `unset`: it might be in the file, and could not be taken out.
pub fn keep(folder: &LaunchFolder, path: &Path, redactor: &Redactor, unset: &[String]) -> anyhow::Result<String> {
    let shown = printable(&path.display().to_string());
    if !unset.is_empty() {
        let names = printable(&unset.join(", "));
        bail!("{shown} may have secrets that this terminal does not know: set {names} here, or give a link to it");
    }
    let file = std::fs::File::open(path).with_context(|| format!("failed to read {shown}"))?;
    if !file.metadata()?.is_file() {
        bail!("{shown} is no file");
    }
    let mut bytes = Vec::new();
    file.take(LARGEST_GIVEN + 1).read_to_end(&mut bytes).with_context(|| format!("failed to read {shown}"))?;
    if bytes.len() as u64 > LARGEST_GIVEN {
        bail!("{shown} is larger than the {} MiB that are kept: give a link to it instead", LARGEST_GIVEN >> 20);
    }
    let clean = redactor.bytes(&bytes);
    let removed = if clean == bytes { "" } else { ", secrets removed" };
    let hash = hex(&Sha256::digest(&clean));
    let kept = folder.artifacts().join(&hash);
    // The same content is kept once; what has its name and is another is none of it.
    if !regular::read(&kept, LARGEST_GIVEN).is_ok_and(|known| known == *clean) {
        folder.make(&folder.artifacts())?;
        folder.write(&kept, &clean)?;
    }
    let name = path.file_name().map(|name| printable(&name.to_string_lossy())).unwrap_or_default();
    Ok(format!("{name} ({} bytes, sha256 {hash}{removed})", clean.len()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_file_is_kept_once_by_its_hash_for_its_owner_alone_and_without_secrets() {
        let place = tempfile::tempdir().expect("a folder");
        let folder = LaunchFolder::create(place.path().join("launch")).expect("made");
        let path = place.path().join("smoke.log");
        std::fs::write(&path, "login with hunter22-long ok\n").expect("written");
        let plain = keep(&folder, &path, &Redactor::default(), &[]).expect("kept");
        assert!(plain.starts_with("smoke.log (28 bytes, sha256 ") && !plain.contains("removed"), "{plain}");
        assert_eq!(keep(&folder, &path, &Redactor::default(), &[]).expect("kept"), plain);
        let unknown = keep(&folder, &path, &Redactor::default(), &["SHOP_TOKEN".to_owned()]);
        let refused = unknown.expect_err("it might have one").to_string();
        assert!(refused.contains("set SHOP_TOKEN here"), "{refused}");
        let clean = keep(&folder, &path, &Redactor::new(["hunter22-long".to_owned()]), &[]).expect("kept");
        assert!(clean.contains(", secrets removed)") && clean != plain, "{clean}");
        let kept: Vec<_> =
            std::fs::read_dir(folder.artifacts()).expect("there").map(|entry| entry.expect("one").path()).collect();
        assert_eq!(kept.len(), 2, "{kept:?}");
        for path in &kept {
            let bytes = std::fs::read(path).expect("read");
            assert_eq!(path.file_name().expect("a name").to_string_lossy(), hex(&Sha256::digest(&bytes)));
            assert_eq!(path.metadata().expect("there").permissions().mode() & 0o777, 0o600);
        }
        // One that was altered is kept anew where it is given again.
        let altered = kept.first().expect("one");
        let before = std::fs::read(altered).expect("read");
        std::fs::write(altered, "another").expect("written");
        keep(&folder, &path, &Redactor::default(), &[]).expect("kept");
        keep(&folder, &path, &Redactor::new(["hunter22-long".to_owned()]), &[]).expect("kept");
        assert_eq!(std::fs::read(altered).expect("read"), before);
        let (large, gone) = (place.path().join("large"), place.path().join("gone"));
        std::fs::File::create(&large).expect("made").set_len(LARGEST_GIVEN + 1).expect("sparse");
        for (path, wanted) in
            [(&large, "larger than the 64 MiB"), (&gone, "failed to read"), (&place.path().to_owned(), "is no file")]
        {
            let wrong = keep(&folder, path, &Redactor::default(), &[]).expect_err(wanted).to_string();
            assert!(wrong.contains(wanted), "{wanted}: {wrong}");
        }
    }
}
