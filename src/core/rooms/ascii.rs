//! Letters of other alphabets in ASCII, as people write them who have no other keys.

/// Words of lower-case ASCII letters and digits, joined by single dashes. What has no counterpart is a
/// dash.
#[must_use]
pub fn slug(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut gap = false;
    for c in text.chars().flat_map(char::to_lowercase) {
        // An accent that stands alone belongs to the letter before it.
        if ('\u{300}'..='\u{36f}').contains(&c) {
            continue;
        }
        let ascii = c.is_ascii_alphanumeric();
        let letters = carried(c);
        if !ascii && letters.is_empty() {
            // A hard or soft sign has no sound, and an apostrophe joins.
            gap |= !matches!(c, 'ъ' | 'ь' | '\'' | '’');
            continue;
        }
        if gap && !out.is_empty() {
            out.push('-');
        }
        gap = false;
        if ascii {
            out.push(c);
        } else {
            out.push_str(letters);
        }
    }
    out
}

/// The letters a small letter is written with; empty: none.
fn carried(c: char) -> &'static str {
    match c {
        'ä' | 'æ' => "ae",
        'ö' | 'œ' | 'ø' => "oe",
        'ü' => "ue",
        'ß' => "ss",
        'å' => "aa",
        'þ' => "th",
        'à' | 'á' | 'â' | 'ã' | 'ā' | 'ă' | 'ą' | 'ª' | 'ά' | 'α' | 'а' => "a",
        'б' => "b",
        'ç' | 'ć' | 'ĉ' | 'ċ' | 'č' => "c",
        'ď' | 'đ' | 'ð' | 'δ' | 'д' => "d",
        'è' | 'é' | 'ê' | 'ë' | 'ē' | 'ĕ' | 'ė' | 'ę' | 'ě' | 'έ' | 'ε' | 'е' | 'э' | 'є' => {
            "e"
        }
        'ф' | 'φ' => "f",
        'ĝ' | 'ğ' | 'ġ' | 'ģ' | 'γ' | 'г' | 'ґ' => "g",
        'ĥ' | 'ħ' => "h",
        'ì' | 'í' | 'î' | 'ï' | 'ĩ' | 'ī' | 'ĭ' | 'į' | 'ı' | 'ή' | 'η' | 'ί' | 'ι' | 'ϊ' | 'ΐ'
        | 'и' | 'і' => "i",
        'ї' => "yi",
        'ĵ' => "j",
        'ķ' | 'κ' | 'к' => "k",
        'ĺ' | 'ļ' | 'ľ' | 'ŀ' | 'ł' | 'λ' | 'л' => "l",
        'μ' | 'µ' | 'м' => "m",
        'ñ' | 'ń' | 'ņ' | 'ň' | 'ν' | 'н' => "n",
        'ò' | 'ó' | 'ô' | 'õ' | 'ō' | 'ŏ' | 'ő' | 'º' | 'ό' | 'ο' | 'ώ' | 'ω' | 'о' => {
            "o"
        }
        'π' | 'п' => "p",
        'ŕ' | 'ŗ' | 'ř' | 'ρ' | 'р' => "r",
        'ś' | 'ŝ' | 'ş' | 'š' | 'ș' | 'σ' | 'ς' | 'с' => "s",
        'ţ' | 'ť' | 'ŧ' | 'ț' | 'τ' | 'т' => "t",
        'ù' | 'ú' | 'û' | 'ũ' | 'ū' | 'ŭ' | 'ů' | 'ű' | 'ų' | 'у' => "u",
        'β' | 'в' => "v",
        'ŵ' => "w",
        'ξ' => "x",
        'ý' | 'ÿ' | 'ŷ' | 'ύ' | 'υ' | 'й' | 'ы' => "y",
        'ź' | 'ż' | 'ž' | 'ζ' | 'з' => "z",
        'ё' => "yo",
        'ж' => "zh",
        'θ' => "th",
        'х' => "kh",
        'ц' => "ts",
        'ч' => "ch",
        'χ' => "ch",
        'ψ' => "ps",
        'ш' => "sh",
        'щ' => "shch",
        'ю' => "yu",
        'я' => "ya",
        '€' => "eur",
        _ => "",
    }
}
