"""Pictures of the demo's characters, drawn: a lighthouse in the fog, and a barge at dawn."""

import io
import math

from PIL import Image, ImageDraw, ImageFilter

SIDE = 640
# Drawn twice as large, so that edges are smooth.
FINE = SIDE * 2

Colour = tuple[int, int, int]


def ada() -> bytes:
    picture = _sky((14, 22, 44), (62, 84, 112))
    draw = ImageDraw.Draw(picture)
    for number in range(60):
        x, y = _scattered(number, 7), _scattered(number, 13) // 2
        draw.ellipse((x, y, x + 3 + number % 3, y + 3 + number % 3), fill=(200, 210, 230))
    lamp = (820, 372)
    picture = _lit(picture, lamp, 330, (255, 214, 140))
    picture = _beam(picture, [lamp, (-40, 120), (-40, 420)])
    picture = _beam(picture, [lamp, (FINE + 40, 250), (FINE + 40, 520)])
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, 1010, FINE, FINE), fill=(22, 38, 60))
    for row in range(7):
        y = 1035 + row * 36
        draw.line([(x, y + 7 * math.sin(x / 60 + row * 2)) for x in range(0, FINE, 8)], fill=(52, 76, 102), width=4)
    draw.polygon([(520, FINE), (590, 1100), (660, 1020), (1010, 1000), (1180, 1080), (FINE, FINE)], fill=(16, 22, 30))
    _tower(draw)
    return _finished(_fog(picture))


def _tower(draw: ImageDraw.ImageDraw) -> None:
    top, foot = 440, 1020
    for band in range(6):
        above, below = (top + (foot - top) * each / 6 for each in (band, band + 1))
        half, wider = (62 + 40 * (each - top) / (foot - top) for each in (above, below))
        colour = (222, 216, 204) if band % 2 else (158, 58, 52)
        draw.polygon([(820 - half, above), (820 + half, above), (820 + wider, below), (820 - wider, below)], colour)
    draw.polygon([(840, top), (882, top), (922, foot), (856, foot)], fill=(44, 38, 52))
    draw.rectangle((732, 424, 908, 446), fill=(24, 28, 38))
    draw.rectangle((768, 318, 872, 424), fill=(255, 232, 170))
    for x in (768, 802, 836, 868):
        draw.rectangle((x, 318, x + 5, 424), fill=(24, 28, 38))
    draw.polygon([(750, 320), (820, 240), (890, 320)], fill=(24, 28, 38))
    draw.ellipse((811, 222, 829, 244), fill=(24, 28, 38))
    draw.rectangle((804, 930, 840, 1020), fill=(38, 26, 22))
    for y in (560, 720):
        draw.rectangle((806, y, 828, y + 40), fill=(255, 214, 140))


def bram() -> bytes:
    picture = _sky((78, 96, 150), (255, 190, 128))
    sun = (640, 700)
    picture = _lit(picture, sun, 420, (255, 224, 150))
    draw = ImageDraw.Draw(picture)
    draw.ellipse((520, 580, 760, 820), fill=(255, 240, 196))
    for height, colour in ((640, (118, 98, 128)), (690, (84, 76, 104))):
        ridge = [(x, height + 44 * math.sin(x / 150 + height) + 22 * math.sin(x / 57)) for x in range(0, FINE + 20, 20)]
        draw.polygon([(0, FINE), *ridge, (FINE, FINE)], fill=colour)
    picture.paste(_sky((236, 158, 116), (48, 62, 98)).resize((FINE, FINE - 760)), (0, 760))
    draw = ImageDraw.Draw(picture)
    for row in range(16):
        y, half = 775 + row * 30, 130 - row * 5
        draw.line((640 - half, y, 640 + half + row % 3 * 20, y), fill=(255, 226, 170), width=8)
    _barge(draw)
    return _finished(picture)


def _barge(draw: ImageDraw.ImageDraw) -> None:
    draw.polygon([(150, 880), (1130, 880), (1060, 1010), (220, 1010)], fill=(58, 34, 34))
    draw.polygon([(150, 880), (1130, 880), (1122, 900), (160, 900)], fill=(206, 140, 52))
    draw.rectangle((300, 770, 640, 880), fill=(150, 52, 46))
    draw.rectangle((280, 752, 660, 776), fill=(48, 30, 34))
    for x in (340, 440, 540):
        draw.rounded_rectangle((x, 800, x + 56, 848), 10, fill=(255, 222, 140))
    draw.rectangle((360, 680, 398, 754), fill=(40, 34, 42))
    for number, (x, y) in enumerate([(392, 640), (428, 590), (480, 548), (548, 520)]):
        size = 24 + number * 9
        draw.ellipse((x - size, y - size, x + size, y + size), fill=(228, 214, 214))
    draw.rectangle((868, 520, 882, 880), fill=(48, 30, 34))
    draw.polygon([(882, 528), (1010, 566), (882, 606)], fill=(222, 152, 48))
    for x in range(720, 1060, 80):
        draw.ellipse((x, 834, x + 60, 886), fill=(96, 70, 52))
    for row in range(5):
        y = 1020 + row * 34
        draw.line((200 + row * 30, y, 1080 - row * 40, y), fill=(40, 40, 66), width=9)


def _sky(top: Colour, bottom: Colour) -> Image.Image:
    column = Image.new("RGB", (1, FINE))
    for y in range(FINE):
        share = y / FINE
        column.putpixel((0, y), tuple(round(a + (b - a) * share) for a, b in zip(top, bottom, strict=True)))
    return column.resize((FINE, FINE))


def _lit(picture: Image.Image, centre: tuple[int, int], radius: int, colour: Colour) -> Image.Image:
    """With a glow."""
    (x, y), mask = centre, Image.new("L", picture.size)
    ImageDraw.Draw(mask).ellipse((x - radius // 2, y - radius // 2, x + radius // 2, y + radius // 2), fill=190)
    return Image.composite(Image.new("RGB", picture.size, colour), picture, mask.filter(ImageFilter.GaussianBlur(90)))


def _beam(picture: Image.Image, corners: list[tuple[int, int]]) -> Image.Image:
    mask = Image.new("L", picture.size)
    ImageDraw.Draw(mask).polygon(corners, fill=70)
    return Image.composite(
        Image.new("RGB", picture.size, (255, 236, 190)), picture, mask.filter(ImageFilter.GaussianBlur(14))
    )


def _fog(picture: Image.Image) -> Image.Image:
    mask = Image.new("L", picture.size)
    draw = ImageDraw.Draw(mask)
    for number in range(14):
        x, y = _scattered(number, 5) - 320, 900 + _scattered(number, 11) // 5
        draw.ellipse((x, y, x + 640, y + 90), fill=70)
    return Image.composite(
        Image.new("RGB", picture.size, (150, 164, 184)), picture, mask.filter(ImageFilter.GaussianBlur(40))
    )


def _scattered(number: int, by: int) -> int:
    """Places that look like chance, and are the same each time."""
    return (number * number * 37 + number * by * 101) % FINE


def _finished(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.resize((SIDE, SIDE), Image.Resampling.LANCZOS).save(file, "PNG")
    return file.getvalue()
