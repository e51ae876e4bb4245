"""The options of programs that allow rules often cover: GNU's and ripgrep's, as their manuals list them.

What is not in a table counts as dangerous, except with programs that can do nothing but read.
"""

from __future__ import annotations

from proxy.permissions.shell_options import LETTERS, option_table

LS = option_table(
    {"flag": "".join(letter for letter in LETTERS if letter not in "ITw") + "1@", "value": "ITw"},
    {
        "value": "hide ignore format sort time time-style block-size indicator-style quoting-style"
        " tabsize width",
        "optional": "color classify hyperlink",
    },
    unknown="flag",
)
CAT = option_table({}, {}, unknown="flag")
HEAD = option_table(
    {"value": "ncs"},
    {"value": "lines bytes sleep-interval pid max-unchanged-stats", "optional": "follow"},
    takes_numbers=True,
    unknown="flag",
)
WC = option_table(
    {"flag": "cmlLw"},
    {
        "flag": "bytes chars lines words max-line-length help version debug",
        "value": "total",
        "danger": "files0-from",
    },
)
CUT = option_table(
    {"value": "bcdf", "flag": "nsz"},
    {
        "value": "bytes characters delimiter fields output-delimiter",
        "flag": "complement only-delimited zero-terminated help version",
    },
)
SORT = option_table(
    {"flag": "bdfgihMnRrVcCmsuz", "value": "ktS", "danger": "oT"},
    {
        "flag": "ignore-leading-blanks dictionary-order ignore-case general-numeric-sort ignore-nonprinting"
        " month-sort human-numeric-sort numeric-sort random-sort reverse version-sort debug merge stable"
        " unique"
        " zero-terminated help version",
        "value": "key field-separator buffer-size batch-size parallel sort",
        "optional": "check",
        "read": "random-source",
        "danger": "output compress-program files0-from temporary-directory",
    },
)
UNIQ = option_table(
    {"flag": "cdDiuz", "value": "fsw"},
    {
        "flag": "count repeated unique ignore-case zero-terminated help version",
        "value": "skip-fields skip-chars check-chars",
        "optional": "all-repeated group",
    },
    takes_numbers=True,
)
GREP = option_table(
    {
        "flag": "EFGPiywxzsvVbnHhoqaILlcTZU",
        "value": "mABCDd",
        "pattern": "e",
        "read": "f",
        "recursive": "rR",
    },
    {
        "flag": "extended-regexp fixed-strings basic-regexp perl-regexp ignore-case no-ignore-case"
        " word-regexp"
        " line-regexp null-data no-messages invert-match version help byte-offset line-number line-buffered"
        " with-filename no-filename only-matching quiet silent text files-without-match"
        " files-with-matches count"
        " initial-tab null no-group-separator binary unix-byte-offsets",
        "value": "max-count label binary-files directories devices before-context after-context context"
        " group-separator",
        "optional": "color colour",
        "pattern": "regexp",
        "read": "file exclude-from",
        "recursive": "recursive dereference-recursive",
        "include": "include",
        "exclude": "exclude exclude-dir",
    },
    takes_numbers=True,
)
RG = option_table(
    {
        "flag": "sclFiIvnxUN0oPpqSauVHwhb.LK",
        "value": "ABCEMmjrdT",
        "pattern": "e",
        "read": "f",
        "include": "gt",
        "danger": "z",
    },
    {
        "flag": "auto-hybrid-regex no-auto-hybrid-regex binary no-binary block-buffered no-block-buffered"
        " byte-offset no-byte-offset case-sensitive column no-column count count-matches crlf no-crlf debug"
        " trace files files-with-matches files-without-match fixed-strings no-fixed-strings follow no-follow"
        " glob-case-insensitive no-glob-case-insensitive heading no-heading help hidden no-hidden ignore-case"
        " ignore-file-case-insensitive include-zero no-include-zero invert-match no-invert-match json no-json"
        " line-buffered no-line-buffered line-number no-line-number line-regexp max-columns-preview"
        " no-max-columns-preview mmap no-mmap multiline no-multiline multiline-dotall no-multiline-dotall"
        " no-config no-ignore no-ignore-dot no-ignore-exclude no-ignore-files no-ignore-global"
        " no-ignore-messages no-ignore-parent no-ignore-vcs ignore no-messages messages no-pcre2-unicode"
        " no-pre"
        " no-require-git no-unicode null null-data one-file-system no-one-file-system only-matching"
        " passthru passthrough pcre2 no-pcre2 pretty print0 quiet smart-case sort-files stats no-stats"
        " stop-on"
        "-nonmatch text no-text trim no-trim type-list unrestricted version vimgrep with-filename no-filename"
        " word-regexp no-encoding no-hostname-bin no-search-zip no-context-separator pcre2-version"
        " no-sort-files",
        "value": "after-context before-context context color colors context-separator dfa-size-limit encoding"
        " engine field-context-separator field-match-separator hyperlink-format max-columns max-count"
        " max-depth"
        " maxdepth max-filesize path-separator pre-glob regex-size-limit replace sort sortr threads type-not"
        " type-add type-clear iglob generate",
        "pattern": "regexp",
        "read": "file ignore-file",
        "include": "glob type",
        "danger": "pre hostname-bin search-zip",
    },
)
DIFF = option_table(
    {
        "flag": "qsenypctTaiEZbwBduNrv",
        "value": "UCWFIxSDL",
        "read": "X",
        "danger": "l",
    },
    {
        "flag": "normal brief report-identical-files ed rcs side-by-side left-column suppress-common-lines"
        " show-c-function expand-tabs initial-tab suppress-blank-empty no-dereference new-file"
        " unidirectional-new-file ignore-file-name-case no-ignore-file-name-case ignore-case"
        " ignore-tab-expansion ignore-trailing-space ignore-space-change ignore-all-space ignore-blank-lines"
        " text strip-trailing-cr minimal speed-large-files help version recursive",
        "value": "width show-function-line label tabsize exclude starting-file ignore-matching-lines ifdef"
        " old-group-format new-group-format unchanged-group-format changed-group-format line-format"
        " old-line-format new-line-format unchanged-line-format horizon-lines palette",
        "optional": "context unified color",
        "read": "exclude-from from-file to-file",
        "danger": "paginate",
    },
    takes_numbers=True,
)
SED = option_table(
    {"flag": "nErsuzb", "value": "l", "program": "e", "danger": "fiI"},
    {
        "flag": "quiet silent debug posix regexp-extended separate sandbox unbuffered null-data"
        " zero-terminated"
        " binary follow-symlinks help version",
        "value": "line-length",
        "program": "expression",
        "danger": "file in-place",
    },
)
AWK = option_table({"value": "Fv"}, {"value": "field-separator assign", "flag": "posix re-interval version"})
TAR = option_table(
    {"flag": "tvzjJapPhRsSkw", "read": "f", "value": "bNHK"},
    {
        "flag": "list verbose gzip gunzip ungzip bzip2 xz zstd lzma lzip auto-compress absolute-names"
        " wildcards no-wildcards anchored no-anchored ignore-case no-ignore-case full-time numeric-owner"
        " show-transformed-names show-stored-names block-number utc totals sparse quoting no-recursion"
        " recursion"
        " ignore-zeros occurrence wildcards-match-slash no-wildcards-match-slash help version",
        "read": "file",
        "value": "exclude quoting-style strip-components warning",
        "danger": "use-compress-program to-command checkpoint-action checkpoint info-script new-volume-script"
        " rsh-command rmt-command files-from listed-incremental index-file extract get create append update"
        " delete concatenate catenate diff compare",
    },
)
NPM = option_table(
    {"flag": "sqd"},
    {"flag": "silent quiet verbose if-present ignore-scripts no-color color", "value": "loglevel"},
)
PYTEST = option_table(
    {
        "flag": "vqsxlh",
        "value": "kmrnW",
        "danger": "pco",
    },
    {
        "flag": "verbose quiet exitfirst showlocals help version lf last-failed ff failed-first nf"
        " new-first sw"
        " stepwise stepwise-skip sw-skip stepwise-reset collect-only co strict strict-markers strict-config"
        " no-header no-summary fixtures funcargs fixtures-per-test markers runxfail setup-only setup-show"
        " setup-plan full-trace cache-clear continue-on-collection-errors keep-duplicates doctest-modules"
        " disable-warnings disable-pytest-warnings exit-on-empty cov-branch no-cov no-cov-on-fail",
        "value": "maxfail tb durations durations-min color capture show-capture verbosity deselect"
        " numprocesses"
        " dist maxprocesses timeout import-mode code-highlight lfnf last-failed-no-failures pythonwarnings"
        " assert log-level log-cli-level randomly-seed doctest-glob cov-report"
        " cov-fail-under",
        "read": "ignore ignore-glob",
        "optional": "cov",
        "danger": "rootdir config-file override-ini plugins confcutdir basetemp junitxml junit-xml"
        " log-file pastebin debug pdb pdbcls trace pyargs cov-config cov-append",
    },
)
