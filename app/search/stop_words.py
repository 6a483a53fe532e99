"""Words that say nothing about what is asked, by language: left out of queries when anything else is left, and out of word pairs.

The lists are our own and short on purpose: question words, pronouns, articles, auxiliaries, greetings. Particles that make another verb
("top up", "log out") are not among them. A query of nothing but such words is still searched: the index holds every word.
"""

from __future__ import annotations

_LISTS = {
    "en": """
        a an the this that these those there here it its he she they them their his her we us our you your yours i im ive me my
        mine myself is isn't isnt are aren't arent was wasn't wasnt were weren't be been being am do don't dont does doesn't doesnt did didn't
        didnt doing done have haven't havent has hasn't hasnt had having can can't cant cannot could couldn't couldnt will won't wont would
        wouldn't wouldnt shall should shouldn't shouldnt may might must need to of in on at by for from with within into onto about as and or
        but if so then than because while when where what whats which who whom whose why how hows not no any some such just only
        though although since until while during
        also too very really please hi hello hey thanks thank want wanted like know tell let get got getting gotten seem seems theres
        youre theyre theyve theyll weve thats again still yet even much many more most s t d ll re ve m way help am able ok
        okay happen happens happened happening make makes made does something anything everything
    """,
    "sv": """
        en ett den det de dem denna detta dessa jag mig min mitt mina du dig din ditt dina han honom hans hon henne hennes vi oss vår vårt våra
        ni er ert era sig sin sitt sina man är var vara varit blir bli blev blivit har ha hade haft kan kunde kunna ska skall skulle vill ville
        vilja måste får få fick bör gör göra gjorde gjort och eller men om att som när där här då så hur vad vem vilken vilket vilka varför i på
        av till från för med utan vid hos under över efter innan inte ingen inget inga inte ej bara också även än mycket mer mest någon något
        några alla allt hej tack snälla vet behöver går gå komma kommer
    """,
    "ru": """
        и в во не что он на я с со как а то все она так его но да ты к у же вы за бы по только ее её мне было вот от меня еще ещё нет о из ему
        теперь когда даже ну вдруг ли если уже или ни быть был него до вас нибудь опять уж вам ведь там потом себя ничего ей может они тут где
        есть надо ней для мы тебя их чем была сам чтоб без будто чего раз тоже себе под будет ж тогда кто этот того потому этого какой совсем
        ним здесь этом один почти мой моя мое моё мои моей моего моем моём мою тем чтобы нее были куда зачем всех никогда можно при об другой
        хоть после над больше тот через эти нас про всего них какая какие много разве эту этой это могу можете нужно хочу почему сколько
        пожалуйста здравствуйте привет спасибо ваш ваша ваше ваши мной
    """,
    "he": """
        אני אתה את אתם אתן הוא היא הם הן אנחנו אנו שלי שלך שלו שלה שלנו שלכם שלהם של על אל עם מן מ ב ל ה ו ש כ כי אם או גם רק לא כן יש אין
        היה הייתה היו להיות יהיה תהיה זה זו זאת אלה אלו כל מה מי איך איפה מתי למה מדוע האם כמה איזה איזו אשר כאשר לי לך לו לה לנו לכם להם
        אותי אותך אותו אותה אותם עוד כבר אז אבל אך ואם צריך צריכה רוצה יכול יכולה אפשר ניתן בבקשה שלום תודה היי לפני אחרי בין עד כדי
    """,
    "de": """
        der die das den dem des ein eine einen einem einer eines ich mich mir mein meine meinen meinem meiner meines du dich dir dein deine
        er ihn ihm sein seine sie ihr ihre ihren ihrem ihnen wir uns unser unsere es man sich ist sind war waren bin bist sei sein gewesen
        wird werden wurde wurden worden hat haben hatte hatten habe kann können konnte könnte könnten soll sollen sollte will wollen muss
        müssen darf dürfen mag möchte möchten und oder aber wenn dass ob weil als wie was wer wen wem wo wann warum wieso weshalb welche
        welcher welches in im an am auf aus bei beim mit nach von vom vor zu zum zur über unter durch für gegen ohne um nicht kein keine
        keinen nur auch noch schon sehr mehr so da hier dort dann denn doch mal bitte danke hallo diese dieser dieses diesen diesem alle
        etwas wurde tun macht machen
    """,
    "fr": """
        le la les l un une des du de d au aux ce cet cette ces je j me m moi mon ma mes tu te t toi ton ta tes il elle on nous notre nos vous
        votre vos ils elles leur leurs se s sa son ses y en est sont suis es été être était ai as a avons avez ont avait avoir fait faire
        peut peux puis pouvez veux veut dois doit et ou mais si que qu qui quoi dont où quand comment pourquoi combien quel quelle quels
        quelles dans sur sous par pour avec sans chez vers entre ne n pas plus très aussi bien bonjour merci svp c
    """,
    "es": """
        el la los las lo un una unos unas de del al a ante con en para por sin sobre entre hasta desde y e o u pero si no que qué quien quién
        cual cuál como cómo cuando cuándo donde dónde porque yo mi mis me mí tu tus te ti él ella su sus se le les nos nuestro nuestra
        vosotros ellos ellas es son soy era fue ser estar está están estoy ha han he hay haber tiene tengo tener puedo puede pueden quiero
        debo hacer hace este esta esto estos estas ese esa eso muy más ya también hola gracias favor
    """,
    "it": """
        il lo la i gli le l un uno una di a da in con su per tra fra del dello della dei degli delle al allo alla ai agli alle dal dalla nel
        nella sul sulla e o ma se che chi cui non come quando dove perché quale quali quanto io mi mio mia miei mie tu ti tuo tua lui lei suo
        sua noi ci nostro voi vi vostro loro si è sono sei siamo era essere ho hai ha abbiamo hanno avere posso può devo voglio fare fa questo
        questa questi queste quello quella molto più anche ciao grazie
    """,
    "nl": """
        de het een en of maar als dat die dit deze ik mij me mijn je jij jou jouw u uw hij hem zijn zij ze haar wij we ons onze jullie hun er
        is ben bent was waren wordt worden werd heb hebt heeft hebben had kan kun kunt kunnen kon moet moeten wil willen mag zal zou zouden
        in op aan bij van voor met zonder naar uit over onder door tot om te niet geen ook nog al wel heel meer hoe wat wie waar wanneer
        waarom welke hallo dank graag
    """,
    "pt": """
        o a os as um uma uns umas de do da dos das em no na nos nas por pelo pela para com sem sobre entre até e ou mas se que quem qual como
        quando onde porque por eu me mim meu minha meus minhas tu te teu você seu sua seus suas ele ela eles elas nós nosso lhe é são sou era
        foi ser estar está estão estou há ter tem tenho posso pode podem quero devo fazer este esta isto esse essa isso não muito mais também
        já olá obrigado
    """,
    "da": """
        en et den det de dem denne dette disse jeg mig min mit mine du dig din dit dine han ham hans hun hende hendes vi os vores i jer jeres
        sig sin sit sine man er var være været bliver blev har have havde kan kunne skal skulle vil ville må få får gør gøre og eller men om
        at som når hvor her der da så hvordan hvad hvem hvilken hvorfor på af til fra for med uden ved hos under over efter ikke ingen kun
        også meget mere nogen noget alle hej tak
    """,
    "fi": """
        ja tai mutta jos että kun niin kuin minä minun minua minulla sinä sinun hän hänen me meidän te teidän he heidän se sen sitä ne tämä
        tämän nämä on ole oli olen olet ovat olla ollut ei en et eivät voi voin voinko voiko voinut pitää täytyy miten mikä mitä missä mistä
        milloin miksi kuka joka jotka myös vain jo vielä kanssa ilman
    """,
}
_LISTS["no"] = _LISTS["nb"] = _LISTS["nn"] = _LISTS["da"]

STOP_WORDS: dict[str, frozenset[str]] = {language: frozenset(words.split()) for language, words in _LISTS.items()}
"""By language, as a person writes them in lower case; `analysis` folds them."""
