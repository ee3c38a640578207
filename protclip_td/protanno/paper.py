"""The paper's own figures, to hold a build against.

Source: ProtCLIP (Zhou et al., AAAI 2025), Table 1 and Figure 1.
"""

#: The paper's data sets, and how many pairs they are made of before any rule.
PAIRS = {"ProtAnno-S": 500_000, "ProtAnno-D": 251_500_000}

#: Share of each sample confidence, 1 to 5.
CONFIDENCE_SHARES = {
    "ProtAnno-S": (0.1982, 0.0980, 0.6777, 0.0229, 0.0032),
    "ProtAnno-D": (0.0013, 0.0057, 0.3269, 0.6661, 0.0000),
}

#: Share of each property coverage, 1/4 to 4/4.
COVERAGE_SHARES = {
    "ProtAnno-S": (0.0259, 0.1062, 0.3691, 0.4988),
    "ProtAnno-D": (0.6211, 0.1814, 0.1182, 0.0793),
}
