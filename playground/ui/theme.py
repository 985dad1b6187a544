"""Colours, type and spacing of the page. Fonts come bundled with Gradio; nothing is fetched from elsewhere."""

import gradio as gr
from gradio.themes.utils import colors, fonts, sizes

BLUE = colors.Color(
    name="playground-blue",
    c50="#eef6fb",
    c100="#d9ebf6",
    c200="#b0d5ec",
    c300="#7dbade",
    c400="#3f97c9",
    c500="#0072b2",  # Okabe-Ito blue, the colour of the tuned model in every chart
    c600="#00629a",
    c700="#005180",
    c800="#064367",
    c900="#0a3856",
    c950="#06243a",
)

INK = colors.Color(
    name="playground-ink",
    c50="#f8f9fa",
    c100="#f0f2f4",
    c200="#e1e5e9",
    c300="#c8ced6",
    c400="#98a2ae",
    c500="#66717e",
    c600="#4b5563",
    c700="#343c47",
    c800="#20262e",
    c900="#161b21",
    c950="#0f1317",
)

# Hangul is in none of the bundled fonts; the systems' own come before the generic family.
KOREAN = ("Apple SD Gothic Neo", "Malgun Gothic", "Noto Sans KR", "Noto Sans CJK KR")
WEIGHTS = (400, 700)
"""Those whose files in Gradio 6.31 are whole. Its SemiBold has no Latin letter but "a": all others would come from some
other font."""


def theme() -> gr.themes.Base:
    """The one theme, light and dark."""
    made = gr.themes.Base(
        primary_hue=BLUE,
        secondary_hue=BLUE,
        neutral_hue=INK,
        radius_size=sizes.radius_md,
        spacing_size=sizes.spacing_md,
        text_size=sizes.text_md,
        font=(fonts.LocalFont("IBM Plex Sans", weights=WEIGHTS), *KOREAN, "ui-sans-serif", "sans-serif"),
        font_mono=(fonts.LocalFont("IBM Plex Mono", weights=WEIGHTS), *KOREAN, "ui-monospace", "monospace"),
    )
    return made.set(
        body_background_fill="*neutral_50",
        body_background_fill_dark="*neutral_950",
        body_text_color="*neutral_900",
        body_text_color_dark="*neutral_100",
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_400",
        background_fill_primary="white",
        background_fill_primary_dark="*neutral_900",
        background_fill_secondary="*neutral_50",
        background_fill_secondary_dark="*neutral_800",
        border_color_primary="*neutral_200",
        border_color_primary_dark="*neutral_700",
        block_background_fill="white",
        block_background_fill_dark="*neutral_900",
        block_border_width="1px",
        block_border_color="*neutral_200",
        block_border_color_dark="*neutral_800",
        block_shadow="none",
        block_label_background_fill="transparent",
        block_label_background_fill_dark="transparent",
        block_label_border_width="0px",
        block_label_text_color="*neutral_700",
        block_label_text_color_dark="*neutral_300",
        block_label_text_weight="600",
        block_title_text_color="*neutral_800",
        block_title_text_color_dark="*neutral_200",
        block_title_text_weight="600",
        block_title_text_size="*text_md",
        block_info_text_color="*neutral_600",
        block_info_text_color_dark="*neutral_400",
        block_info_text_size="*text_sm",
        button_border_width="1px",
        button_border_width_dark="1px",
        input_border_width="1px",
        input_background_fill="white",
        input_background_fill_dark="*neutral_950",
        input_border_color="*neutral_300",
        input_border_color_dark="*neutral_700",
        input_border_color_focus="*primary_500",
        input_border_color_focus_dark="*primary_400",
        input_placeholder_color="*neutral_500",
        input_placeholder_color_dark="*neutral_400",
        button_primary_background_fill="*primary_500",
        button_primary_background_fill_dark="*primary_500",
        button_primary_background_fill_hover="*primary_600",
        button_primary_background_fill_hover_dark="*primary_600",
        button_primary_text_color="white",
        button_primary_text_color_dark="white",
        button_primary_border_color="*primary_500",
        button_primary_border_color_dark="*primary_500",
        button_secondary_background_fill="white",
        button_secondary_background_fill_dark="*neutral_800",
        button_secondary_background_fill_hover="*neutral_100",
        button_secondary_background_fill_hover_dark="*neutral_700",
        button_secondary_border_color="*neutral_300",
        button_secondary_border_color_dark="*neutral_700",
        button_secondary_text_color="*neutral_800",
        button_secondary_text_color_dark="*neutral_100",
        button_large_text_weight="600",
        button_medium_text_weight="600",
        checkbox_border_color="*neutral_400",
        checkbox_border_color_dark="*neutral_500",
        slider_color="*primary_500",
        slider_color_dark="*primary_400",
        link_text_color="*primary_600",
        link_text_color_dark="*primary_300",
        color_accent_soft="*primary_50",
        color_accent_soft_dark="*primary_950",
        error_background_fill="#fdf1ec",
        error_background_fill_dark="#2c1a12",
        error_text_color="#9c3a00",
        error_text_color_dark="#ffb48a",
    )
