"""UniProtKB XML gives the same pairs as the flat file; FASTA gives name and protein existence."""

import gzip
import re

import pytest

from protclip_td.data.reading.readers import read_pairs
from protclip_td.errors import InputError

FLAT = """\
ID   TEST_HUMAN              Reviewed;          12 AA.
AC   P00001; Q00001;
DE   RecName: Full=Test protein {ECO:0000303|PubMed:1};
DE            Short=TP;
DE            EC=1.2.3.4 {ECO:0000269|PubMed:1};
DE   AltName: Full=Another name;
DE   AltName: Allergen=Tes t 1;
DE   AltName: CD_antigen=CD99;
DE   Includes:
DE     RecName: Full=Left half;
DE              EC=5.6.7.8;
DE   Contains:
DE     RecName: Full=Chain A;
DE     AltName: Full=Alpha;
DE   Contains:
DE     RecName: Full=Chain B;
DE   Flags: Precursor; Fragment;
CC   -!- FUNCTION: Binds A < B & C. Found in alpha-
CC       and beta-cells (PubMed:1). {ECO:0000269|PubMed:1, ECO:0000305}.
CC   -!- FUNCTION: [Isoform 2]: Does nothing.
CC   -!- COFACTOR:
CC       Name=Zn(2+); Xref=ChEBI:CHEBI:29105;
CC   -!- TISSUE SPECIFICITY: Brain. {ECO:0000305}.
CC   -!- SUBCELLULAR LOCATION: Cytoplasm, cytosol {ECO:0000305}. Golgi apparatus,
CC       Golgi stack membrane {ECO:0000250|UniProtKB:P2}; Multi-pass membrane
CC       protein {ECO:0000305}; Cytoplasmic side. Cytoplasm, P-body. Note=Moves
CC       around. {ECO:0000305}.
CC   -!- SUBCELLULAR LOCATION: [Isoform 2]: Secreted {ECO:0000269|Ref.3}.
CC   -!- SIMILARITY: Belongs to the test family. {ECO:0000305}.
PE   3: Inferred from homology;
SQ   SEQUENCE   12 AA;  1234 MW;  0123456789ABCDEF CRC64;
     MKTAYIAKQR QI
//
"""

HEAD = """\
<?xml version="1.0" encoding="UTF-8"?>
<uniprot xmlns="http://uniprot.org/uniprot" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
"""
TAIL = "<copyright>Copyrighted by the UniProt Consortium</copyright>\n</uniprot>\n"
ENTRY = """\
<entry dataset="Swiss-Prot" created="2001-01-01" modified="2024-01-01" version="3">
  <accession>P00001</accession>
  <accession>Q00001</accession>
  <name>TEST_HUMAN</name>
  <protein>
    <recommendedName>
      <fullName evidence="4">Test protein</fullName>
      <shortName>TP</shortName>
      <ecNumber evidence="1">1.2.3.4</ecNumber>
    </recommendedName>
    <alternativeName><fullName>Another name</fullName></alternativeName>
    <allergenName>Tes t 1</allergenName>
    <cdAntigenName>CD99</cdAntigenName>
    <domain>
      <recommendedName><fullName>Left half</fullName><ecNumber>5.6.7.8</ecNumber></recommendedName>
    </domain>
    <component>
      <recommendedName><fullName>Chain A</fullName></recommendedName>
      <alternativeName><fullName>Alpha</fullName></alternativeName>
    </component>
    <component><recommendedName><fullName>Chain B</fullName></recommendedName></component>
  </protein>
  <organism>
    <name type="scientific">Homo sapiens</name><dbReference type="NCBI Taxonomy" id="9606"/>
  </organism>
  <organismHost><dbReference type="NCBI Taxonomy" id="9606"/></organismHost>
  <reference key="1">
    <citation type="book"><title>No title</title><dbReference type="PubMed" id="1"/></citation>
  </reference>
  <reference key="2"><citation type="submission"/><scope>SEQUENCE</scope></reference>
  <comment type="function">
    <text evidence="1 2">Binds A &lt; B &amp; C. Found in alpha- and beta-cells (PubMed:1).</text>
  </comment>
  <comment type="function"><molecule>Isoform 2</molecule><text>Does nothing.</text></comment>
  <comment type="cofactor">
    <cofactor><name>Zn(2+)</name><dbReference type="ChEBI" id="CHEBI:29105"/></cofactor>
  </comment>
  <comment type="tissue specificity"><text evidence="2">Brain.</text></comment>
  <comment type="subcellular location">
    <subcellularLocation>
      <location evidence="2">Cytoplasm</location>
      <location evidence="2">Cytosol</location>
    </subcellularLocation>
    <subcellularLocation>
      <location evidence="3">Golgi apparatus</location>
      <location evidence="3">Golgi stack membrane</location>
      <topology evidence="2">Multi-pass membrane protein</topology>
      <orientation>Cytoplasmic side</orientation>
    </subcellularLocation>
    <subcellularLocation>
      <location>Cytoplasm</location><location>P-body</location>
    </subcellularLocation>
    <text evidence="2">Moves around.</text>
  </comment>
  <comment type="subcellular location">
    <molecule>Isoform 2</molecule>
    <subcellularLocation><location evidence="5">Secreted</location></subcellularLocation>
  </comment>
  <comment type="alternative products"><isoform><sequence type="displayed"/></isoform></comment>
  <comment type="similarity"><text evidence="2">Belongs to the test family.</text></comment>
  <dbReference type="EMBL" id="ABC"><property type="molecule type" value="mRNA"/></dbReference>
  <dbReference type="GO" id="GO:0000001"/>
  <proteinExistence type="inferred from homology"/>
  <keyword id="KW-0001">Test</keyword>
  <feature type="chain"><location><begin position="1"/></location></feature>
  <feature type="site" evidence="2"><location><position position="1"/></location></feature>
  <evidence key="1" type="ECO:0000269"><source><dbReference type="PubMed" id="1"/></source>
  </evidence>
  <evidence key="2" type="ECO:0000305"/>
  <evidence key="3" type="ECO:0000250"><source><dbReference type="UniProtKB" id="P2"/></source>
  </evidence>
  <evidence key="4" type="ECO:0000303"><source><dbReference type="PubMed" id="1"/></source>
  </evidence>
  <evidence key="5" type="ECO:0000269"><source ref="3"/></evidence>
  <sequence length="12" mass="1234" checksum="0123456789ABCDEF" fragment="single">
MKTAYIAKQR
QI
  </sequence>
</entry>
"""


def xml(*entries):
    return HEAD + "".join(entries) + TAIL


@pytest.mark.parametrize("keep_evidence", [False, True])
def test_xml_gives_what_the_flat_file_gives(read, keep_evidence):
    (entry,), rejected = read(xml(ENTRY), keep_evidence=keep_evidence)
    assert not rejected
    assert [entry] == read(FLAT, keep_evidence=keep_evidence)[0]
    assert ("{ECO:" in entry.biotext) == keep_evidence
    assert entry.properties[2].startswith("Cytoplasm, cytosol")


@pytest.mark.parametrize(
    ("in_flat", "in_xml", "confidence", "reviewed"),
    [
        ("", "", 3, True),
        (("Reviewed", "Unreviewed"), ('"Swiss-Prot"', '"TrEMBL"'), 3, False),
        (("Fragment;", "Fragments;"), ('"single"', '"multiple"'), 3, True),
        (
            ("PE   3: Inferred from homology;\n", ""),
            ('<proteinExistence type="inferred from homology"/>', ""),
            2,
            True,
        ),
    ],
    ids=["same", "unreviewed", "fragments", "no existence"],
)
def test_what_both_formats_say_of_an_entry(read, in_flat, in_xml, confidence, reviewed):
    """A confidence that is given is for entries that state none."""
    flat, other = (
        text.replace(*change) if change else text
        for text, change in ((FLAT, in_flat), (xml(ENTRY), in_xml))
    )
    (entry,), _ = read(other, confidence=2)
    assert [entry] == read(flat, confidence=2)[0]
    assert (entry.confidence, entry.stated) == (confidence, confidence == 3)
    assert entry.reviewed == reviewed


def test_an_entry_without_comments_keeps_its_names(read):
    without = re.sub(r"(?s)<comment .*</comment>", "", ENTRY)
    (entry,), _ = read(xml(without))
    flat = "".join(line for line in FLAT.splitlines(True) if not line.startswith("CC"))
    assert [entry] == read(flat)[0]


def test_statements_of_old_releases_say_how_sure_they_are(read):
    old = (
        ENTRY.replace('<location evidence="2">Cytosol', '<location status="probable">Cytosol')
        .replace('<text evidence="2">Moves', '<text status="by similarity">Moves')
        .replace('<text evidence="2">Belongs', '<text evidence="EC1">Belongs')
    )
    (entry,), _ = read(xml(old), keep_evidence=True)
    assert entry.properties[2].startswith("Cytoplasm, cytosol (Probable). Golgi")
    assert "Note=Moves around (By similarity)." in entry.properties[2]
    assert entry.properties[3] == "Belongs to the test family."


@pytest.mark.parametrize(
    "change",
    [
        lambda text: gzip.compress(text.encode()),
        lambda text: text.replace("\n", "\r\n"),
        lambda text: "\ufeff" + text,
        lambda text: text.replace("<entry ", '<entry xmlns="https://uniprot.org/uniprot" '),
        lambda text: text.replace(TAIL, "</uniprot>"),
    ],
    ids=["gzip", "line ends", "byte order mark", "namespace", "no copyright"],
)
def test_how_xml_is_written_does_not_matter(read, change):
    assert read(change(xml(ENTRY))) == read(xml(ENTRY))


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("<name>", "<name", "broken XML"),
        ("Test protein", "Test &unknown; protein", "broken XML"),
        ("Test protein", "Test prot\udcffein", "not UTF-8"),
        ("</entry>\n", "", "cut in the middle"),
        ("<entry ", "<enry ", "no entry tag"),
        ('length="12"', 'length="13"', "sequence length contradicts the header"),
        ("MKTAYIAKQR\nQI", "", "no sequence"),
        ("<sequence length", "<sequense length", "broken XML"),
        ("MKTAYIAKQR\n", "MKTAYIAKQ*\n", "letters that are no residues"),
        ("inferred from homology", "guessed", "unknown protein existence"),
        ('<proteinExistence type="inferred from homology"/>', "", "no protein existence"),
    ],
)
def test_bad_xml_entries_are_rejected_and_their_neighbours_read(read, old, new, reason):
    bad = ENTRY.replace(old, new).replace("P00001", "P00002")
    text = xml(ENTRY, bad, ENTRY.replace("P00001", "P00003"))
    entries, (rejection,) = read(text.encode(errors="surrogateescape"))
    assert [entry.accession for entry in entries] == ["P00001", "P00003"]
    assert (rejection.where, rejection.reason) == ("P00002", reason)


def test_two_entries_run_into_one_are_none(read):
    """The end of the first and the beginning of the second are lost."""
    other = ENTRY.replace("P00001", "P00002").split("\n", 1)[1]
    both = ENTRY.replace("</entry>\n", "") + other
    entries, (rejection,) = read(xml(both))
    assert not entries
    assert rejection == ("P00001", "cut in the middle", "two entries have run into one")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HEAD + ENTRY + ENTRY[:500], "in the middle of entry P00001; 1 whole .* is P00001"),
        (HEAD + ENTRY, "it ends before </uniprot>; 1 whole"),
    ],
)
def test_xml_that_is_cut_gives_the_whole_entries(tmp_path, text, message):
    path = tmp_path / "cut.xml"
    path.write_text(text)
    entries = []
    with pytest.raises(InputError, match=message):
        entries.extend(read_pairs(path))  # extend keeps what came before the error
    assert [entry.accession for entry in entries] == ["P00001"]


def test_fasta_gives_name_and_protein_existence(read):
    text = (
        ">sp|P01308|INS_HUMAN Insulin (Fragment) OS=Homo sapiens OX=9606 GN=INS PE=1 SV=1\n"
        "MALWMRLLPL\nlalla LWGPD\n"
        ">tr|A0A001|A0A001_9ACTN MoeN=5, putative OS=Streptomyces OX=1 PE=4 SV=1\nMLTPQVS\n"
    )
    (insulin, other), rejected = read(text)
    assert not rejected
    assert read(text, confidence=3) == ([insulin, other], [])
    assert insulin.stated
    assert (insulin.accession, insulin.confidence, insulin.reviewed) == ("P01308", 1, True)
    assert insulin.properties == ("Insulin (Fragment)", "", "", "")
    assert insulin.sequence == "MALWMRLLPLLALLALWGPD"
    assert (other.confidence, other.reviewed) == (4, False)
    assert other.properties[0] == "MoeN=5, putative"


@pytest.mark.parametrize(
    ("record", "where", "reason"),
    [
        (">P2 some protein\nMK\n", "line 3", "no UniProt header"),
        (">sp|P2|X_Y Name OS=O\nMK\n", "P2", "no protein existence"),
        (">sp|P2|X_Y Name OS=O PE=7\nMK\n", "P2", "unknown protein existence"),
        (">sp|P2|X_Y Name OS=O PE=1\n", "P2", "no sequence"),
        (">sp|P2|X_Y Name OS=O PE=1\nMK*\n", "P2", "letters that are no residues"),
        (">sp|P2|X_Y Na>sp|P3|X_Y Name OS=O PE=1\nMK\n", "line 3", "cut in the middle"),
        (">sp|P2|X_Y OS=O PE=1\nMK\n", "P2", "no property"),
        (b">sp|P2|X_Y N\xff OS=O PE=1\nMK\n", "line 3", "not UTF-8"),
    ],
)
def test_bad_fasta_records_are_rejected_and_their_neighbours_read(read, record, where, reason):
    good = b">sp|P1|X_Y Name OS=O PE=1\nMK\n"
    record = record if isinstance(record, bytes) else record.encode()
    entries, (rejection,) = read(good + record + good)
    assert [entry.accession for entry in entries] == ["P1", "P1"]
    assert (rejection.where, rejection.reason) == (where, reason)


def test_isoforms_take_the_confidence_that_is_given(read):
    text = ">sp|P2-2|X_Y Isoform 2 of Name OS=O GN=X\nMK\n"
    (entry,), _ = read(text, confidence=2)
    assert (entry.accession, entry.confidence, entry.stated) == ("P2-2", 2, False)
    assert entry.properties[0] == "Isoform 2 of Name"
